/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is told who holds a device, and what that means for a start. */
#include "manager-up.h"

static void on_held(const GPtrArray *holders, const Fault *fault, void *userdata)
{
    GString *text = userdata;

    ck_assert(holders);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        g_string_append_printf(text, "%s %s;", holder_kind_to_string(holder->kind), holder->what);
    }
    g_string_append_c(text, '|');
}

START_TEST(who_holds_a_device_is_told_to_all_who_ask_in_turn)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *text = g_string_new(NULL);
    PciAddress gpu;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    fake_workers_find_holder(rig.engine.workers,
                             holder_new(HOLDER_FILE, "0000:01:00.0", "/dev/dri/card1", 7, "x", "", ""));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, text, NULL), 0);
    ck_assert_str_eq(text->str, "");
    rig_settle(&rig);
    ck_assert_str_eq(text->str, "file /dev/dri/card1;|file /dev/dri/card1;|file /dev/dri/card1;|");
    /* A caller who may not take the device must not claim its disks, either. */
    ck_assert_uint_eq(fake_workers_claims(rig.engine.workers), 0);
    ck_assert_int_eq(manager_holders(manager, gpu, true, on_held, text, NULL), 0);
    rig_settle(&rig);
    ck_assert_uint_eq(fake_workers_claims(rig.engine.workers), 1);
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(too_many_questions_are_put_off)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *text = g_string_new(NULL);
    Fault *fault = NULL;
    PciAddress gpu;
    int r = 0;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    for (unsigned i = 0; i < 256; i++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, text, NULL), 0);
    r = manager_holders(manager, gpu, false, on_held, text, &fault);
    assert_refused(r, fault, FAULT_BUSY, "256 questions");
    rig_settle(&rig);
    ck_assert_uint_eq(text->len, 256);
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(who_leaves_takes_the_question_along_and_the_others_are_answered)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *first = g_string_new(NULL), *second = g_string_new(NULL), *third = g_string_new(NULL);
    PciAddress gpu;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    for (GString **text = (GString *[]){first, second, third, NULL}; *text; text++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, *text, NULL), 0);
    /* Drops a question that is being asked, and one that waits. */
    manager_forget(manager, first);
    manager_forget(manager, third);
    manager_forget(manager, "nobody asked this");
    rig_settle(&rig);
    ck_assert_uint_eq(first->len, 0);
    ck_assert_uint_eq(second->len, 1);
    ck_assert_uint_eq(third->len, 0);
    g_string_free(first, TRUE);
    g_string_free(second, TRUE);
    g_string_free(third, TRUE);
}
END_TEST

START_TEST(a_guest_whose_device_is_in_use_is_not_started_and_claims_nothing)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    unsigned job;

    fake_workers_find_holder(rig.engine.workers,
                             holder_new(HOLDER_FILE, "0000:01:00.0", "/dev/dri/card1", 7, "x", "", ""));
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(view.guest)->kind, FAULT_IN_USE);
    ck_assert_uint_eq(fake_launcher_starts(rig.engine.launcher, "win10"), 0);
    rig_assert_restored(&rig);
    fake_workers_find_holder(rig.engine.workers, NULL);
    ck_assert_uint_gt(count_steps(&rig, manager, "win10"), 0);
}
END_TEST

/* What another manager has bound, for a guest of its own. */
static const char *build_foreign(FakeHost *host)
{
    fake_host_add_function(host,
                           &(FakeFunction){.address = "0000:03:00.0", .group = 12, .driver = "xhci_hcd"});
    fake_host_set_driver(host, "0000:03:00.0", "vfio-pci");
    return "[PCI usb]\nAddress=0000:03:00.0\n";
}

static void on_planned_at_all(const GPtrArray *steps, const Fault *fault, void *userdata)
{
    Fault **kept = userdata;

    ck_assert_ptr_null(steps);
    *kept = fault_copy(fault);
}

START_TEST(a_device_that_another_managers_guest_has_is_refused_by_plan_and_start_alike)
{
    static const char said[] =
        "qemu-system-x86 (pid 7, machine-x.scope) has /dev/vfio/12 of 0000:03:00.0 open";
    A_RIG(build_foreign);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    _cleanup_fault_ Fault *planned = NULL;
    unsigned job;

    fake_workers_find_holder(rig.engine.workers, holder_new(HOLDER_FILE, "0000:03:00.0", "/dev/vfio/12", 7,
                                                            "qemu-system-x86", "machine-x.scope", ""));
    ck_assert_int_eq(manager_plan_start(manager, "win10", false, on_planned_at_all, &planned, NULL), 0);
    rig_settle(&rig);
    ck_assert_ptr_nonnull(planned);
    ck_assert_int_eq(planned->kind, FAULT_IN_USE);
    ck_assert_str_eq(planned->message, said);
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(view.guest)->kind, FAULT_IN_USE);
    ck_assert_str_eq(guest_fault(view.guest)->message, said);
    ck_assert_uint_eq(fake_launcher_starts(rig.engine.launcher, "win10"), 0);
    rig_assert_restored(&rig);
}
END_TEST

SUITE("manager-holders", who_holds_a_device_is_told_to_all_who_ask_in_turn, too_many_questions_are_put_off,
      who_leaves_takes_the_question_along_and_the_others_are_answered,
      a_guest_whose_device_is_in_use_is_not_started_and_claims_nothing,
      a_device_that_another_managers_guest_has_is_refused_by_plan_and_start_alike)
