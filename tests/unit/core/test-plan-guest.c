/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest gets: its devices in order, their groups and nodes. */
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-plan.h"

#define GPU "[PCI gpu]\nAddress=01:00.0\n"
#define AUDIO "[PCI audio]\nAddress=01:00.1\n"
#define NET "[PCI net]\nAddress=02:00.0\n"

START_TEST(a_guest_gets_its_devices_in_order_and_the_nodes_of_their_groups)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 7, "e1000e");
    g_autoptr(GuestDefinition) guest = a_definition(GPU NET);
    g_autoptr(Plan) plan = NULL;
    ck_assert_int_eq(plan_start(host, NULL, guest, &plan, NULL), 0);

    ck_assert_str_eq(plan->owner, "guest/win10");
    ck_assert_uint_eq(plan->groups->len, 2);
    ck_assert_int_eq(g_array_index(plan->groups, int, 0), 7);
    ck_assert_int_eq(g_array_index(plan->groups, int, 1), 12);

    ck_assert_uint_eq(plan->devices->len, 2);
    const PlanDevice *first = g_ptr_array_index(plan->devices, 0),
                     *second = g_ptr_array_index(plan->devices, 1);
    ck_assert_str_eq(first->name, "gpu");
    ck_assert_ptr_eq(first->wish, g_ptr_array_index(guest->pci, 0));
    ck_assert_uint_eq(first->functions->len, 2);
    ck_assert_uint_eq(g_array_index(first->functions, PciAddress, 0).function, 0);
    ck_assert_uint_eq(g_array_index(first->functions, PciAddress, 1).function, 1);
    ck_assert_str_eq(second->name, "net");
    ck_assert_ptr_eq(second->wish, g_ptr_array_index(guest->pci, 1));

    const Step *last[2] = {g_ptr_array_index(plan->steps, plan->steps->len - 2),
                           g_ptr_array_index(plan->steps, plan->steps->len - 1)};
    static const char *const nodes[2] = {"/dev/vfio/7", "/dev/vfio/12"};
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(last[i]->kind, STEP_NODE_OWNER);
        ck_assert_str_eq(last[i]->subject, nodes[i]);
        ck_assert_str_eq(last[i]->before, "0:0");
        ck_assert_str_eq(last[i]->after, STEP_VALUE_GUEST);
    }
}
END_TEST

START_TEST(a_guest_without_devices_needs_no_step_and_no_iommu)
{
    g_autoptr(Host) host = host_new();
    host->noiommu = true;
    g_autoptr(Plan) plan = a_plan(host, "");
    ck_assert_uint_eq(plan->steps->len, 0);
    ck_assert_uint_eq(plan->groups->len, 0);
    ck_assert_uint_eq(plan->devices->len, 0);
}
END_TEST

START_TEST(devices_held_on_vfio_pci_need_only_their_node)
{
    g_autoptr(Host) host = a_host();
    host->vfio_pci = false;
    a_device(host, "0000:02:00.0", 14, "vfio-pci");
    g_autoptr(Plan) plan = a_plan(host, NET);
    assert_steps(plan, "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

static void assert_leaving(const Plan *plan, const char *expected)
{
    g_autoptr(GPtrArray) leaving = plan_leaving(plan);
    g_ptr_array_add(leaving, NULL);
    g_autofree char *addresses = g_strjoinv(" ", (char **)leaving->pdata);
    ck_assert_str_eq(addresses, expected);
}

START_TEST(who_uses_a_device_is_asked_whatever_driver_it_leaves_or_stays_on)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 14, "vfio-pci");
    a_device(host, "0000:03:00.0", 15, NULL);
    g_autoptr(Plan) plan = a_plan(host, GPU NET "[PCI other]\nAddress=03:00.0\n");
    assert_leaving(plan, "0000:01:00.0 0000:01:00.1 0000:02:00.0 0000:03:00.0");
}
END_TEST

START_TEST(who_uses_the_rest_of_its_group_is_asked_where_that_is_on_vfio_pci)
{
    g_autoptr(Host) host = a_host();
    a_bridge(host, "0000:00:01.0", 14);
    a_device(host, "0000:02:00.0", 14, "e1000e");
    a_device(host, "0000:02:01.0", 14, "mlx5_vfio_pci");
    a_device(host, "0000:02:02.0", 14, "pci-stub");
    a_device(host, "0000:03:00.0", 15, "vfio-pci");
    g_autoptr(Plan) plan = bound(host, "0000:02:00.0", 0, false);
    assert_leaving(plan, "0000:02:00.0 0000:02:01.0");
}
END_TEST

START_TEST(two_sections_that_want_the_same_function_are_a_mistake_in_the_definition)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_start_refused(host, NULL, GPU AUDIO, FAULT_BAD_DEFINITION,
                         FILE_PATH ": [PCI gpu] and [PCI audio] both ask for 0000:01:00.0", "Functions=");
}
END_TEST

START_TEST(two_sections_may_share_a_slot_and_a_group)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "e1000e");
    assert_start_refused(host, NULL, GPU "Functions=0\n" AUDIO "Functions=1\n", FAULT_NOT_VIABLE,
                         "group 12 of 0000:01:00.0 also holds 0000:02:00.0 (e1000e)", "Group=all");

    g_autoptr(Plan) plan = a_plan(host, GPU "Functions=0\n" AUDIO "Functions=1\n" NET);
    ck_assert_uint_eq(plan->groups->len, 1);
    ck_assert_uint_eq(plan->devices->len, 3);
    ck_assert_uint_eq(plan->steps->len, 16);
}
END_TEST

START_TEST(one_section_may_ask_for_the_whole_group_of_both)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    a_device(host, "0000:02:00.0", 12, "e1000e");
    g_autoptr(Plan) plan = a_plan(host, GPU "Group=all\n");
    ck_assert_uint_eq(plan->devices->len, 1);
    ck_assert_uint_eq(plan->steps->len, 16);
}
END_TEST

/* Functions of one slot that the hardware keeps apart (ACS). */
START_TEST(functions_in_groups_of_their_own_are_each_claimed)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:01:00.0", 12, "radeon");
    a_device(host, "0000:01:00.1", 13, "snd_hda_intel");
    g_autoptr(Plan) plan = bound(host, "0000:01:00.0", 0, false);
    ck_assert_uint_eq(plan->groups->len, 2);
    g_autoptr(Plan) audio = bound(host, "0000:01:00.0", 1 << 1, false);
    ck_assert_uint_eq(audio->groups->len, 1);
    ck_assert_int_eq(g_array_index(audio->groups, int, 0), 13);
}
END_TEST

SUITE("plan-guest", a_guest_gets_its_devices_in_order_and_the_nodes_of_their_groups,
      a_guest_without_devices_needs_no_step_and_no_iommu, devices_held_on_vfio_pci_need_only_their_node,
      who_uses_a_device_is_asked_whatever_driver_it_leaves_or_stays_on,
      who_uses_the_rest_of_its_group_is_asked_where_that_is_on_vfio_pci,
      two_sections_that_want_the_same_function_are_a_mistake_in_the_definition,
      two_sections_may_share_a_slot_and_a_group, one_section_may_ask_for_the_whole_group_of_both,
      functions_in_groups_of_their_own_are_each_claimed)
