/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How QEMU gets the devices of a plan. */
#include "../suite.h"
#include "a-plan.h"

#define NET "[PCI net]\nAddress=02:00.0\n"
#define OTHER "[PCI other]\nAddress=03:00.0\n"
#define NET_STEPS                                                                                            \
    "driver 0000:02:00.0 e1000e→\n"                                                                        \
    "override 0000:02:00.0 →vfio-pci\n"                                                                    \
    "driver 0000:02:00.0 →vfio-pci\n"
#define NO_KERNEL "this kernel has no /dev/iommu"

static HostDevice *a_card(Host *host, const char *address, int group)
{
    HostDevice *device = a_device(host, address, group, "e1000e");

    g_clear_pointer(&device->power.control, g_free);
    g_clear_pointer(&device->power.d3cold_allowed, g_free);
    return device;
}

static Host *a_host_with_a_card(void)
{
    Host *host = a_host();

    host->iommufd.lack = NULL;
    a_card(host, "0000:02:00.0", 14);
    return host;
}

static const char *why(const Plan *plan, unsigned index)
{
    return ((PlanDevice *)g_ptr_array_index(plan->devices, index))->why;
}

static bool by_iommufd(const Plan *plan, unsigned index)
{
    return ((PlanDevice *)g_ptr_array_index(plan->devices, index))->iommufd;
}

START_TEST(the_only_card_goes_by_iommufd_and_no_node_changes_its_owner)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Plan) plan = a_plan(host, NET);

    ck_assert(by_iommufd(plan, 0));
    assert_steps(plan, NET_STEPS);
}
END_TEST

START_TEST(without_iommufd_it_goes_by_its_group_and_the_plan_says_why)
{
    g_autoptr(Host) host = a_host_with_a_card();
    host->iommufd.lack = NO_KERNEL;
    g_autoptr(Plan) plan = a_plan(host, NET);

    ck_assert(!by_iommufd(plan, 0));
    ck_assert_str_eq(why(plan, 0), NO_KERNEL);
    assert_steps(plan, NET_STEPS "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(of_two_cards_both_go_by_their_groups_as_they_may_reach_each_other)
{
    g_autoptr(Host) host = a_host_with_a_card();
    a_card(host, "0000:03:00.0", 15);
    g_autoptr(Plan) plan = a_plan(host, NET OTHER);

    ck_assert(!by_iommufd(plan, 0) && !by_iommufd(plan, 1));
    ck_assert_str_eq(why(plan, 0), "iommufd maps no device's memory for another device");
}
END_TEST

START_TEST(each_of_two_cards_may_be_asked_for_in_its_way)
{
    g_autoptr(Host) host = a_host_with_a_card();
    a_card(host, "0000:03:00.0", 15);
    g_autoptr(Plan) plan = a_plan(host, NET "Backend=iommufd\n" OTHER "Backend=group\n");

    ck_assert(by_iommufd(plan, 0) && !by_iommufd(plan, 1));
    const Step *last = g_ptr_array_index(plan->steps, plan->steps->len - 1),
               *before = g_ptr_array_index(plan->steps, plan->steps->len - 2);
    ck_assert_str_eq(last->subject, "/dev/vfio/15");
    ck_assert_int_ne(before->kind, STEP_NODE_OWNER);
}
END_TEST

START_TEST(a_single_card_may_be_asked_for_by_its_group)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Plan) plan = a_plan(host, NET "Backend=group\n");

    ck_assert(!by_iommufd(plan, 0));
    assert_steps(plan, NET_STEPS "node-owner /dev/vfio/14 0:0→guest\n");
}
END_TEST

START_TEST(what_is_asked_for_and_missing_is_refused)
{
    g_autoptr(Host) host = a_host_with_a_card();
    host->iommufd.lack = NO_KERNEL;

    assert_no_plan(host, NET "Backend=iommufd\n", FAULT_REFUSED, "[PCI net] Backend=iommufd: " NO_KERNEL,
                   "remove Backend=, and the IOMMU group's node is used");
}
END_TEST

START_TEST(what_is_asked_for_and_not_known_yet_is_tried)
{
    g_autoptr(Host) host = a_host_with_a_card();
    host->iommufd.lack = "QEMU has not been asked yet";
    host->iommufd.unsure = true;
    g_autoptr(Plan) asked = a_plan(host, NET "Backend=iommufd\n"), left = a_plan(host, NET);

    ck_assert(by_iommufd(asked, 0));
    ck_assert(!by_iommufd(left, 0));
}
END_TEST

START_TEST(two_sections_cannot_have_one_group_in_two_ways)
{
    g_autoptr(Host) host = a_host_with_a_card();
    a_card(host, "0000:03:00.0", 14);

    assert_no_plan(host, NET "Backend=iommufd\n" OTHER "Backend=group\n", FAULT_BAD_DEFINITION,
                   "[PCI other] Backend=group: another device of its IOMMU group goes the other way",
                   "write the same Backend= for all devices of a group, or auto");
}
END_TEST

START_TEST(what_one_section_says_counts_for_all_of_the_group)
{
    g_autoptr(Host) host = a_host_with_a_card();
    a_card(host, "0000:03:00.0", 14);
    g_autoptr(Plan) plan = a_plan(host, NET OTHER "Backend=iommufd\n");

    ck_assert(by_iommufd(plan, 0) && by_iommufd(plan, 1));
    for (unsigned i = 0; i < plan->steps->len; i++)
        ck_assert_int_ne(((Step *)g_ptr_array_index(plan->steps, i))->kind, STEP_NODE_OWNER);
}
END_TEST

static Plan *attached(const Host *host, const Claims *claims, const char *address)
{
    BindWish wish = {.address = address_of(address)};
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    int r = plan_attach(host, claims, "guest/win10", &wish, NULL, &plan, &fault);

    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    return plan;
}

START_TEST(a_card_that_comes_as_the_first_goes_by_iommufd_and_the_next_by_its_group)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Claims) claims = claims_new();
    a_card(host, "0000:03:00.0", 15);
    g_autoptr(Plan) first = attached(host, claims, "0000:02:00.0");
    ck_assert(by_iommufd(first, 0));
    ck_assert(claims_take(claims, 14, "guest/win10"));
    g_autoptr(Plan) next = attached(host, claims, "0000:03:00.0");
    ck_assert(!by_iommufd(next, 0));
}
END_TEST

START_TEST(a_device_of_a_group_that_the_guest_has_goes_as_the_group_does)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    a_card(host, "0000:03:00.0", 15);
    ck_assert(claims_take(claims, 14, "guest/win10"));
    ck_assert(claims_take(claims, 15, "guest/win10"));
    g_ptr_array_add(steps, step_new(STEP_NODE_OWNER, "/dev/vfio/15", STEP_VALUE_HOST, STEP_VALUE_GUEST));
    claims_note_nodes(claims, steps);
    g_autoptr(Plan) net = attached(host, claims, "0000:02:00.0"),
                    other = attached(host, claims, "0000:03:00.0");
    ck_assert(by_iommufd(net, 0));
    ck_assert(!by_iommufd(other, 0));

    /* Another guest's next claim of the group knows nothing of that. */
    claims_give_up(claims, "guest/win10");
    ck_assert(claims_take(claims, 15, "guest/win10"));
    ck_assert(!claims_has_node(claims, 15));
}
END_TEST

START_TEST(a_plan_that_is_shown_says_which_way_each_device_goes)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Plan) plan = a_plan(host, NET);
    g_autoptr(GPtrArray) shown = plan_shown(plan);
    const Step *last = g_ptr_array_index(shown, shown->len - 1);

    ck_assert_uint_eq(shown->len, plan->steps->len + 1);
    ck_assert_int_eq(last->kind, STEP_BACKEND);
    ck_assert_str_eq(last->subject, "0000:02:00.0");
    ck_assert_str_eq(last->after, "iommufd: the only card");
}
END_TEST

START_TEST(a_plan_that_is_shown_warns_of_what_uefi_does_not_need)
{
    g_autoptr(Host) host = a_host_with_a_card();
    g_autoptr(Plan) bios = a_plan(host, NET "PrimaryVGA=yes\n");
    g_autoptr(Plan) uefi = a_plan(host, NET "PrimaryVGA=yes\n[Firmware]\nType=uefi\n");
    g_autoptr(GPtrArray) few = plan_shown(bios), shown = plan_shown(uefi);
    const Step *last = g_ptr_array_index(shown, shown->len - 1);

    assert_steps(uefi, NET_STEPS);
    ck_assert_uint_eq(shown->len, few->len + 1);
    ck_assert_int_eq(last->kind, STEP_BACKEND);
    ck_assert_str_eq(last->subject, "0000:02:00.0");
    ck_assert_msg(g_str_has_prefix(last->after, "warning: PrimaryVGA=yes: UEFI firmware shows the guest"),
                  "%s", last->after);
}
END_TEST

#define ARC "[PCI arc]\nAddress=05:00.0\n"

START_TEST(a_plan_that_is_shown_names_the_sound_of_a_card_in_another_slot)
{
    g_autoptr(Host) host = a_host();
    an_arc(host);
    g_autoptr(Plan) alone = a_plan(host, ARC), both = a_plan(host, ARC "[PCI sound]\nAddress=06:00.0\n");
    const Step *remark = g_ptr_array_index(alone->remarks, 0);

    ck_assert_uint_eq(alone->remarks->len, 1);
    ck_assert_str_eq(remark->subject, "0000:05:00.0");
    ck_assert_str_eq(remark->after, "note: the same card, behind its own switch, has 0000:06:00.0 "
                                    "(snd_hda_intel), which stays with the host");
    ck_assert_uint_eq(both->remarks->len, 0);
}
END_TEST

START_TEST(a_sound_card_behind_a_switch_of_the_board_is_no_part_of_the_display)
{
    g_autoptr(Host) host = a_host();
    an_arc(host);
    device_of(host, "0000:03:00.0")->vendor = 0x1b21;
    g_autoptr(Plan) plan = a_plan(host, ARC);

    ck_assert_uint_eq(plan->remarks->len, 0);
}
END_TEST

SUITE("plan-backend", a_plan_that_is_shown_names_the_sound_of_a_card_in_another_slot,
      a_sound_card_behind_a_switch_of_the_board_is_no_part_of_the_display,
      a_plan_that_is_shown_warns_of_what_uefi_does_not_need,
      the_only_card_goes_by_iommufd_and_no_node_changes_its_owner,
      without_iommufd_it_goes_by_its_group_and_the_plan_says_why,
      of_two_cards_both_go_by_their_groups_as_they_may_reach_each_other,
      each_of_two_cards_may_be_asked_for_in_its_way, a_single_card_may_be_asked_for_by_its_group,
      what_is_asked_for_and_missing_is_refused, what_is_asked_for_and_not_known_yet_is_tried,
      two_sections_cannot_have_one_group_in_two_ways, what_one_section_says_counts_for_all_of_the_group,
      a_card_that_comes_as_the_first_goes_by_iommufd_and_the_next_by_its_group,
      a_device_of_a_group_that_the_guest_has_goes_as_the_group_does,
      a_plan_that_is_shown_says_which_way_each_device_goes)
