/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device for a guest that runs. */
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/plan/plan.h"
#include "../suite.h"
#include "a-definition.h"
#include "a-host.h"

#define OWNER "guest/win10"

static int try_attach(const Host *host, const Claims *claims, const BindWish *wish,
                      const DefinitionPci *section, Plan **ret, Fault **ret_fault)
{
    *ret = NULL;
    return plan_attach(host, claims, OWNER, wish, section, ret, ret_fault);
}

static Plan *attached(const Host *host, const Claims *claims, const char *address,
                      const DefinitionPci *section)
{
    BindWish wish = {.address = address_of(address)};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan;
    int r = try_attach(host, claims, &wish, section, &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    return plan;
}

static void assert_attach_refused(const Host *host, const Claims *claims, BindWish wish,
                                  const DefinitionPci *section, FaultKind kind, const char *line)
{
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan;
    ck_assert_int_eq(try_attach(host, claims, &wish, section, &plan, &fault), FAULT_RAISED);
    ck_assert_ptr_null(plan);
    g_autofree char *said = fault_to_line(fault);
    ck_assert_str_eq(said, line);
    ck_assert_int_eq(fault->kind, kind);
}

static const Step *last_step(const Plan *plan)
{
    return g_ptr_array_index(plan->steps, plan->steps->len - 1);
}

START_TEST(a_device_of_the_class_of_bridges_is_plugged_in_as_any_other)
{
    g_autoptr(Host) host = a_host();
    g_autoptr(Claims) claims = claims_new();
    a_device(host, "0000:05:00.0", 9, "nvidia-nvswitch")->class = 0x068000;
    g_autoptr(Plan) plan = attached(host, claims, "0000:05:00.0", NULL);
    ck_assert_str_eq(last_step(plan)->subject, "/dev/vfio/9");
    ck_assert_uint_eq(plan->devices->len, 1);
}
END_TEST

START_TEST(it_is_bound_as_at_a_start_and_its_node_handed_over)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(Plan) plan = attached(host, claims, "0000:01:00.0", NULL);
    ck_assert_str_eq(plan->owner, OWNER);
    ck_assert_uint_eq(plan->steps->len, 11);
    ck_assert_int_eq(last_step(plan)->kind, STEP_NODE_OWNER);
    ck_assert_str_eq(last_step(plan)->subject, "/dev/vfio/12");
    ck_assert_uint_eq(plan->devices->len, 1);
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_str_eq(device->name, "0000:01:00.0");
    ck_assert_uint_eq(device->functions->len, 2);
}
END_TEST

/* The guest has group 14; another device on vfio-pci is in it or not. */
#define A_NEIGHBOUR_IN_GROUP(group)                                                                          \
    g_autoptr(Host) host = a_host();                                                                         \
    g_autoptr(Claims) claims = claims_new();                                                                 \
    a_device(host, "0000:02:00.0", 14, "vfio-pci");                                                          \
    a_device(host, "0000:03:00.0", group, "vfio-pci");                                                       \
    ck_assert(claims_take(claims, 14, OWNER))

START_TEST(a_group_that_the_guest_has_needs_no_other_node)
{
    A_NEIGHBOUR_IN_GROUP(14);
    g_autoptr(Plan) plan = attached(host, claims, "0000:03:00.0", NULL);
    ck_assert_uint_eq(plan->steps->len, 0);
    /* The guest's own QEMU has the group open, which is no obstacle. */
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    ck_assert_uint_eq(leaving->len, 0);
}
END_TEST

START_TEST(who_uses_a_group_that_the_guest_does_not_have_is_asked)
{
    A_NEIGHBOUR_IN_GROUP(15);
    g_autoptr(Plan) plan = attached(host, claims, "0000:03:00.0", NULL);
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    ck_assert_uint_eq(leaving->len, 1);
    ck_assert_str_eq(g_ptr_array_index(leaving, 0), "0000:03:00.0");
}
END_TEST

START_TEST(what_the_definition_says_of_it_counts)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(GuestDefinition) definition =
        a_definition("[PCI gpu]\nAddress=01:00.0\nFunctions=0,1\nROM=/srv/gpu.rom\n");
    const DefinitionPci *section = g_ptr_array_index(definition->pci, 0);
    g_autoptr(Plan) plan = attached(host, NULL, "0000:01:00.1", section);
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_str_eq(device->name, "gpu");
    ck_assert_ptr_eq(device->wish, section);
    ck_assert_uint_eq(device->functions->len, 2);
}
END_TEST

START_TEST(another_device_than_the_fingerprint_tells_is_refused)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(GuestDefinition) definition = a_definition(
        "[PCI gpu]\nAddress=01:00.0\nFingerprint=10de:1b80 10de:119e 030000 0000:00:01.0/00.0\n");
    const DefinitionPci *section = g_ptr_array_index(definition->pci, 0);
    BindWish wish = {.address = section->address};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan;
    ck_assert_int_eq(try_attach(host, NULL, &wish, section, &plan, &fault), FAULT_RAISED);
    ck_assert_msg(strstr(fault->message, "[PCI gpu] Fingerprint=: 0000:01:00.0 is another device"), "%s",
                  fault->message);
}
END_TEST

START_TEST(intels_graphics_are_not_plugged_in)
{
    g_autoptr(Host) host = a_host();
    HostDevice *graphics = a_device(host, "0000:00:02.0", 1, "i915");

    graphics->vendor = 0x8086;
    graphics->class = 0x030000;
    assert_attach_refused(host, NULL, (BindWish){.address = graphics->address}, NULL, FAULT_REFUSED,
                          "0000:00:02.0 cannot be plugged in while the guest runs: Intel's graphics work at "
                          "00:02.0 alone; add a [PCI] section, and start the guest anew");
}
END_TEST

START_TEST(another_guests_device_is_refused)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "guest/linux"));
    assert_attach_refused(
        host, claims, (BindWish){.address = address_of("0000:01:00.0")}, NULL, FAULT_IN_USE,
        "0000:01:00.0 (group 12) is claimed by guest linux; stop it first: usherctl stop linux");
}
END_TEST

START_TEST(what_else_is_in_the_group_is_told_with_the_way_out)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:02:00.0", 14, "e1000e");
    a_device(host, "0000:03:00.0", 14, "xhci_hcd");
    BindWish wish = {.address = address_of("0000:02:00.0")};
    assert_attach_refused(host, NULL, wish, NULL, FAULT_NOT_VIABLE,
                          "group 14 of 0000:02:00.0 also holds 0000:03:00.0 (xhci_hcd); attach it with "
                          "--group=all: the host cannot use them while the guest has the device");
    wish.whole_group = true;
    _cleanup_fault_ Fault *fault = NULL;
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(try_attach(host, NULL, &wish, NULL, &plan, &fault), 0);
    ck_assert_uint_eq(((PlanDevice *)g_ptr_array_index(plan->devices, 0))->functions->len, 1);
}
END_TEST

SUITE("plan-attach", a_device_of_the_class_of_bridges_is_plugged_in_as_any_other, it_is_bound_as_at_a_start_and_its_node_handed_over,
      a_group_that_the_guest_has_needs_no_other_node, who_uses_a_group_that_the_guest_does_not_have_is_asked,
      what_the_definition_says_of_it_counts, another_device_than_the_fingerprint_tells_is_refused,
      intels_graphics_are_not_plugged_in, another_guests_device_is_refused,
      what_else_is_in_the_group_is_told_with_the_way_out)
