/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices, lent by their group's node while what they were made of stays with the host. */
#include <string.h>

#include "../../../daemon/core/plan.h"
#include "../suite.h"
#include "a-definition.h"
#include "a-host.h"

#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define VGPU "[PCI vgpu]\nMediatedDevice=" UUID "\n"
#define PARENT "0000:02:00.0"

static HostMediated *a_mediated(Host *host)
{
    HostMediated *mediated = host_add_mediated(host, UUID);

    mediated->type = g_strdup("nvidia-63");
    mediated->api = g_strdup("vfio-pci");
    mediated->of_function = true;
    mediated->parent = address_of(PARENT);
    mediated->group = 40;
    return mediated;
}

/* And the Radeon of group 12. */
static Host *a_host_with_a_vgpu(void)
{
    Host *host = a_host_with_a_gpu();

    a_device(host, PARENT, 20, "nvidia");
    a_mediated(host);
    return host;
}

static void assert_plan_refused(const Host *host, const Claims *claims, const char *text, FaultKind kind,
                                const char *line)
{
    g_autoptr(GuestDefinition) definition = a_definition(text);
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    ck_assert_int_eq(plan_start(host, claims, definition, &plan, &fault), FAULT_RAISED);
    g_autofree char *said = fault_to_line(fault);
    ck_assert_msg(strstr(said, line), "%s", said);
    ck_assert_int_eq(fault->kind, kind);
}

START_TEST(it_is_lent_by_its_groups_node_and_nothing_changes_hands)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    host->vfio_pci = false;
    g_autoptr(GuestDefinition) definition = a_definition(VGPU);
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    ck_assert_uint_eq(plan->steps->len, 1);
    g_autofree char *step = step_describe(g_ptr_array_index(plan->steps, 0));
    ck_assert_str_eq(step, "node-owner of /dev/vfio/40: 0:0 → guest");
    ck_assert_uint_eq(plan->groups->len, 1);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 40);
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_str_eq(device->name, "vgpu");
    ck_assert_uint_eq(device->functions->len, 0);
    /* Who has it open is looked for. */
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    ck_assert_uint_eq(leaving->len, 1);
    ck_assert_str_eq(g_ptr_array_index(leaving, 0), UUID);
}
END_TEST

START_TEST(it_stands_among_other_devices_in_the_order_of_the_definition)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    g_autoptr(GuestDefinition) definition = a_definition(VGPU "[PCI gpu]\nAddress=01:00.0\n");
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    ck_assert_uint_eq(plan->devices->len, 2);
    ck_assert_str_eq(((PlanDevice *)g_ptr_array_index(plan->devices, 0))->name, "vgpu");
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 12);
    ck_assert_int_eq(g_array_index(plan->groups, int, 1), 40);
}
END_TEST

START_TEST(one_that_is_not_there_is_refused_with_what_makes_it)
{
    g_autoptr(Host) host = a_host();
    assert_plan_refused(host, NULL, VGPU, FAULT_NO_SUCH_DEVICE,
                        "there is no mediated device " UUID "; make it: mdevctl start -u " UUID
                        ", or echo " UUID " > /sys/bus/pci/devices/ADDRESS/mdev_supported_types/TYPE/create");
}
END_TEST

START_TEST(one_that_a_guest_has_is_refused_with_that_guest)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 40, "guest/linux"));
    assert_plan_refused(host, claims, VGPU, FAULT_IN_USE,
                        "mediated device " UUID " (group 40) is claimed by guest linux; "
                        "stop it first: usherctl stop linux");
    claims_give_up(claims, "guest/linux");
    assert_plan_refused(host, claims, VGPU "[PCI twin]\nMediatedDevice=" UUID "\n", FAULT_BAD_DEFINITION,
                        "[PCI vgpu] and [PCI twin] both ask for mediated device " UUID);
}
END_TEST

START_TEST(one_that_cannot_be_lent_is_refused_with_the_reason)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    HostMediated *mediated = g_ptr_array_index(host->mediated, 0);
    HostDevice *parent = device_of(host, PARENT);

    parent->stuck = true;
    assert_plan_refused(host, NULL, VGPU, FAULT_STUCK, PARENT ", which mediated device " UUID " was made of");
    parent->stuck = false;
    parent->dead = true;
    assert_plan_refused(host, NULL, VGPU, FAULT_REFUSED, PARENT " is dead");
    mediated->group = HOST_NO_GROUP;
    assert_plan_refused(host, NULL, VGPU, FAULT_REFUSED, "is in no group: no driver of VFIO's has it");
    g_free(mediated->api);
    mediated->api = g_strdup("vfio-ap");
    assert_plan_refused(host, NULL, VGPU, FAULT_REFUSED, "is no PCI device, but one for vfio-ap");
}
END_TEST

START_TEST(what_it_was_made_of_stays_with_the_host)
{
    g_autoptr(Host) host = a_host_with_a_vgpu();
    assert_plan_refused(host, NULL, "[PCI gpu]\nAddress=" PARENT "\n", FAULT_REFUSED,
                        PARENT " has the mediated device " UUID
                               " (nvidia-63), which would go with its driver; "
                               "lend that (MediatedDevice=), or remove it first: echo 1 > "
                               "/sys/bus/mdev/devices/" UUID "/remove");
}
END_TEST

SUITE("plan-mediated", it_is_lent_by_its_groups_node_and_nothing_changes_hands,
      it_stands_among_other_devices_in_the_order_of_the_definition,
      one_that_is_not_there_is_refused_with_what_makes_it, one_that_a_guest_has_is_refused_with_that_guest,
      one_that_cannot_be_lent_is_refused_with_the_reason, what_it_was_made_of_stays_with_the_host)
