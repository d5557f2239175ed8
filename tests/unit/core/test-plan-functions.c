/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual functions that are made for a guest. */
#include <string.h>

#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-plan.h"

#define NIC "0000:02:00.0"
#define TWO "[PCI nic]\nAddress=02:00.0\nVirtualFunctions=2\n"

static HostDevice *a_card(Host *host)
{
    HostDevice *card = a_device(host, NIC, 20, "igb");

    card->sriov.total = 7;
    card->sriov.offset = 384;
    card->sriov.stride = 4;
    card->sriov.device = 0x10ca;
    card->sriov.autoprobe = g_strdup("1");
    return card;
}

static HostDevice *a_function(Host *host, const char *address, int group)
{
    HostDevice *function = a_virtual_function(host, address, group, NULL, NIC);

    function->reset_methods = g_strdup("flr");
    return function;
}

START_TEST(they_are_made_first_and_the_rest_is_as_expected)
{
    g_autoptr(Host) host = a_host();
    a_card(host);
    g_autoptr(Plan) plan = planned(host, NULL, TWO, false);
    ck_assert_uint_eq(plan->making, 2);
    assert_steps(plan, "autoprobe 0000:02:00.0 1→0\n"
                       "virtual-functions 0000:02:00.0 0→2\n"
                       "power-control 0000:03:10.4 on→on\n"
                       "d3cold 0000:03:10.4 1→0\n"
                       "power-control 0000:03:10.0 on→on\n"
                       "d3cold 0000:03:10.0 1→0\n"
                       "override 0000:03:10.4 →vfio-pci\n"
                       "override 0000:03:10.0 →vfio-pci\n"
                       "driver 0000:03:10.4 →vfio-pci\n"
                       "driver 0000:03:10.0 →vfio-pci\n"
                       "node-owner group of 0000:03:10.4 0:0→guest\n"
                       "node-owner group of 0000:03:10.0 0:0→guest\n");
    const PlanDevice *device = g_ptr_array_index(plan->devices, 0);
    ck_assert_uint_eq(device->functions->len, 2);
    ck_assert_str_eq(PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, 0)), "0000:03:10.0");
    /* Only the card's own group is claimed: those of the functions are not known yet. */
    ck_assert_uint_eq(plan->groups->len, 1);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 20);
}
END_TEST

START_TEST(when_they_are_there_the_rest_is_planned_upon_their_groups)
{
    g_autoptr(Host) host = a_host();
    g_autoptr(Claims) claims = claims_new();
    a_card(host);
    a_function(host, "0000:03:10.0", 31);
    a_function(host, "0000:03:10.4", 32);
    ck_assert(claims_take(claims, 20, "guest/win10"));
    g_autoptr(Plan) plan = planned(host, claims, TWO, true);
    ck_assert_uint_eq(plan->making, 0);
    const Step *last = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    ck_assert_str_eq(last->subject, "/dev/vfio/32");
    ck_assert_uint_eq(plan->groups->len, 3);
}
END_TEST

START_TEST(what_was_claimed_before_they_were_made_is_handed_over_with_them)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    g_autoptr(Claims) claims = claims_new();
    a_card(host);
    g_autoptr(Plan) first = planned(host, claims, TWO "[PCI gpu]\nAddress=01:00.0\n", false);
    ck_assert(claims_take_all(claims, first->groups, "guest/win10"));
    a_function(host, "0000:03:10.0", 31);
    a_function(host, "0000:03:10.4", 32);
    g_autoptr(Plan) plan = planned(host, claims, TWO "[PCI gpu]\nAddress=01:00.0\n", true);
    g_autoptr(GString) nodes = g_string_new(NULL);
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const Step *step = g_ptr_array_index(plan->steps, i);
        if (step->kind == STEP_NODE_OWNER)
            g_string_append_printf(nodes, "%s ", step->subject);
    }
    ck_assert_str_eq(nodes->str, "/dev/vfio/12 /dev/vfio/31 /dev/vfio/32 ");
}
END_TEST

START_TEST(a_group_with_others_is_refused_when_it_is_known)
{
    g_autoptr(Host) host = a_host();
    a_card(host);
    a_function(host, "0000:03:10.0", 20);
    a_function(host, "0000:03:10.4", 32);
    assert_plan_refused(
        host, NULL, TWO, true, FAULT_NOT_VIABLE,
        "group 20 of the virtual function 0000:03:10.0 also holds its physical function 0000:02:00.0 (igb)");
}
END_TEST

START_TEST(other_devices_are_judged_before_anything_is_made)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_card(host);
    device_of(host, "0000:01:00.0")->needed_for = g_strdup("boot display");
    assert_plan_refused(host, NULL, TWO "[PCI gpu]\nAddress=01:00.0\n", false, FAULT_IN_USE,
                        "0000:01:00.0 (radeon) is needed by the host: boot display");
    g_clear_pointer(&device_of(host, "0000:01:00.0")->needed_for, g_free);
    g_autoptr(Plan) plan = planned(host, NULL, TWO "[PCI gpu]\nAddress=01:00.0\n", false);
    ck_assert_uint_eq(plan->devices->len, 2);
    ck_assert_uint_eq(plan->groups->len, 2);
}
END_TEST

START_TEST(where_drivers_do_not_look_they_need_not_be_told)
{
    g_autoptr(Host) host = a_host();
    HostDevice *card = a_card(host);
    g_free(card->sriov.autoprobe);
    card->sriov.autoprobe = g_strdup("0");
    g_autoptr(Plan) plan = planned(host, NULL, TWO, false);
    ck_assert_uint_eq(plan->making, 1);
    ck_assert_int_eq(((Step *)g_ptr_array_index(plan->steps, 0))->kind, STEP_FUNCTIONS);
}
END_TEST

START_TEST(a_card_that_cannot_is_refused_with_the_reason)
{
    g_autoptr(Host) host = a_host();
    HostDevice *card = a_card(host);
    g_autoptr(Claims) claims = claims_new();

    assert_plan_refused(
        host, NULL, "[PCI nic]\nAddress=02:00.0\nVirtualFunctions=8\n", false, FAULT_REFUSED,
        "0000:02:00.0 cannot have 8 virtual functions, but at most 7; lower VirtualFunctions=");
    assert_plan_refused(host, NULL,
                        "[PCI a]\nAddress=02:00.0\nVirtualFunctions=2\n[PCI b]\nAddress=02:00.0\n"
                        "VirtualFunctions=2\n",
                        false, FAULT_BAD_DEFINITION, "[PCI a] and [PCI b] both ask for 0000:03:10.0");
    assert_plan_refused(host, NULL, TWO "[PCI card]\nAddress=02:00.0\n", false, FAULT_REFUSED,
                        "0000:02:00.0 has virtual functions, which would disappear with its driver");
    assert_plan_refused(host, NULL, "[PCI nic]\nAddress=09:00.0\nVirtualFunctions=2\n", false,
                        FAULT_NO_SUCH_DEVICE, "there is no device 0000:09:00.0");
    ck_assert(claims_take(claims, 20, "guest/linux"));
    assert_plan_refused(host, claims, TWO, false, FAULT_IN_USE,
                        "0000:02:00.0 (group 20) is claimed by guest/linux");
    g_free(card->driver);
    card->driver = g_strdup("vfio-pci");
    assert_plan_refused(host, NULL, TWO, false, FAULT_REFUSED,
                        "the driver of 0000:02:00.0 makes no virtual functions: vfio-pci");
    card->sriov.total = 0;
    assert_plan_refused(host, NULL, TWO, false, FAULT_REFUSED, "0000:02:00.0 cannot have virtual functions;");
}
END_TEST

START_TEST(a_card_that_has_some_already_is_left_alone)
{
    g_autoptr(Host) host = a_host();
    a_card(host);
    a_function(host, "0000:03:10.0", 31);
    assert_plan_refused(host, NULL, TWO, false, FAULT_REFUSED,
                        "0000:02:00.0 has virtual functions already, and its driver makes no others beside "
                        "them: 0000:03:10.0 (no driver); lend one of those by its own address, or remove "
                        "them first: echo 0 > /sys/bus/pci/devices/0000:02:00.0/sriov_numvfs");
    assert_plan_refused(host, NULL, TWO, true, FAULT_DRIFT, "0000:02:00.0 has 1 virtual functions, not 2");
}
END_TEST

START_TEST(they_are_made_for_a_guest_that_runs_likewise)
{
    g_autoptr(Host) host = a_host();
    a_card(host);
    g_autoptr(GuestDefinition) definition = a_definition(TWO);
    const DefinitionPci *section = g_ptr_array_index(definition->pci, 0);
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(plan_attach(host, NULL, "guest/win10", NULL, section, &plan, NULL), 0);
    ck_assert_uint_eq(plan->making, 2);
    ck_assert_uint_eq(plan->steps->len, 12);
    g_autoptr(GPtrArray) due = plan_due(plan);
    ck_assert_uint_eq(due->len, 2);
}
END_TEST

SUITE("plan-functions", they_are_made_first_and_the_rest_is_as_expected,
      when_they_are_there_the_rest_is_planned_upon_their_groups,
      what_was_claimed_before_they_were_made_is_handed_over_with_them,
      a_group_with_others_is_refused_when_it_is_known, other_devices_are_judged_before_anything_is_made,
      where_drivers_do_not_look_they_need_not_be_told, a_card_that_cannot_is_refused_with_the_reason,
      a_card_that_has_some_already_is_left_alone, they_are_made_for_a_guest_that_runs_likewise)
