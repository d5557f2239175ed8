/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group bound by hand, over a daemon that may die at any turn of its loop. */
#include <string.h>

#include "hold-try.h"

#define GPU "0000:01:00.0"
#define HELD "bind/" GPU

static void bind(Try *try)
{
    begin_bind(try, GPU, NULL);
}

static void bind_all(Try *try)
{
    bind(try);
    rig_settle(try->rig);
    ck_assert_uint_eq(try->rested, 1);
    ck_assert_str_eq(try->job->result, "done");
    ck_assert(hold_bound(try->hold) && hold_at_rest(try->hold));
}

static void restore(Try *try)
{
    new_job(try, JOB_RESTORE, GPU);
    hold_restore(try->hold, try->job);
}

/* The daemon is gone, and another has nothing but the journal. */
static void die(Try *try, bool finish)
{
    rig_die(try->rig, finish);
    try->hold = hold_free(try->hold);
    try->job = job_free(try->job);
    try->rested = 0;
    rig_come_again(try->rig);
}

/* Takes up what a crash left, if it left anything. */
static void recover(Try *try)
{
    if (!rig_has_journals(try->rig))
        return;
    ck_assert_int_eq(hold_recover(&try->rig->engine, HELD, &handler, try, &try->hold), 0);
    rig_settle(try->rig);
}

START_TEST(a_group_is_bound_and_given_back)
{
    for (unsigned b = 0; b < N_BUILDS; b++) {
        A_RIG(BUILDS[b]);
        A_TRY(try, &rig);
        bind_all(&try);
        g_autofree char *driver = fake_host_driver(rig.host, "0000:01:00.1");
        ck_assert_str_eq(driver, "vfio-pci");
        ck_assert_str_eq(hold_owner(try.hold), HELD);
        restore(&try);
        ck_assert(!hold_at_rest(try.hold));
        rig_settle(&rig);
        ck_assert_ptr_null(try.hold);
        ck_assert_str_eq(try.job->result, "done");
        rig_assert_restored(&rig);
    }
}
END_TEST

START_TEST(it_covers_the_functions_that_it_changed_and_no_other)
{
    PciAddress audio, bridge;
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind_all(&try);
    pci_address_from_string("0000:01:00.1", &audio);
    pci_address_from_string("0000:00:01.0", &bridge);
    ck_assert(hold_covers(try.hold, audio));
    ck_assert(!hold_covers(try.hold, bridge));
}
END_TEST

START_TEST(the_way_back_can_be_asked_for_without_taking_it)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind_all(&try);
    g_autofree char *before = fake_host_snapshot_text(rig.host);
    g_autoptr(GPtrArray) steps = hold_plan_restore(try.hold);
    ck_assert_uint_eq(steps->len, 10);
    g_autofree char *first = step_describe(g_ptr_array_index(steps, 0));
    ck_assert_str_eq(first, "driver of 0000:01:00.0: vfio-pci → none");
    rig_assert_host(&rig, before);
}
END_TEST

START_TEST(a_crash_at_any_turn_of_a_bind_leaves_it_whole_or_undone)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned finish = 0; finish < 2; finish++) {
            bool whole = false;
            for (unsigned turn = 0, more = true; more; turn++) {
                A_RIG(BUILDS[b]);
                A_TRY(try, &rig);
                bind(&try);
                for (unsigned i = 0; i < turn; i++)
                    rig_turn(&rig);
                more = try.rested == 0;
                die(&try, finish);
                recover(&try);
                whole = try.hold != NULL;
                if (whole) {
                    ck_assert(hold_bound(try.hold) && hold_at_rest(try.hold));
                    g_autofree char *driver = fake_host_driver(rig.host, "0000:01:00.0");
                    ck_assert_str_eq(driver, "vfio-pci");
                    restore(&try);
                    rig_settle(&rig);
                    ck_assert_str_eq(try.job->result, "done");
                }
                rig_assert_restored(&rig);
            }
            /* A bind that had come to its end stays. */
            ck_assert(whole);
        }
}
END_TEST

START_TEST(a_crash_at_any_turn_of_a_restore_is_taken_up_again)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned finish = 0; finish < 2; finish++)
            for (unsigned turn = 0, more = true; more; turn++) {
                A_RIG(BUILDS[b]);
                A_TRY(try, &rig);
                bind_all(&try);
                restore(&try);
                for (unsigned i = 0; i < turn; i++)
                    rig_turn(&rig);
                more = try.rested == 1;
                die(&try, finish);
                recover(&try);
                /* Before its first step is in the journal, nothing tells that the bind was asked for. */
                if (try.hold) {
                    ck_assert(hold_bound(try.hold));
                    restore(&try);
                    rig_settle(&rig);
                }
                rig_assert_restored(&rig);
            }
}
END_TEST

START_TEST(a_bind_that_fails_at_any_step_is_undone_and_the_job_says_why)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned n = 0, more = true; more; n++) {
            A_RIG(BUILDS[b]);
            A_TRY(try, &rig);
            fake_workers_fail(rig.engine.workers, n, EBUSY);
            bind(&try);
            rig_settle(&rig);
            ck_assert_uint_eq(try.rested, 1);
            more = fake_workers_steps(rig.engine.workers) > n;
            if (try.hold) {
                ck_assert_str_eq(try.job->result, "done");
                continue;
            }
            ck_assert_str_eq(try.job->result, "failed");
            ck_assert_msg(strstr(try.job->fault->message, "Device or resource busy"), "%s",
                          try.job->fault->message);
            rig_assert_restored(&rig);
        }
}
END_TEST

START_TEST(what_cannot_be_given_back_stays_held_until_it_is_believed)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind_all(&try);
    fake_host_remove_device(rig.host, "0000:01:00.1");
    die(&try, false);
    recover(&try);
    ck_assert_ptr_nonnull(try.hold);
    rig.engine.limits.stuck_usec = G_USEC_PER_SEC;
    /* A restore that nobody asked for does not believe the kernel. */
    hold_restore(try.hold, NULL);
    rig_settle(&rig);
    ck_assert_ptr_nonnull(try.hold);
    ck_assert(rig_has_journals(&rig));
    restore(&try);
    rig_settle(&rig);
    ck_assert_ptr_null(try.hold);
    ck_assert_str_eq(try.job->result, "done");
    ck_assert(!rig_has_journals(&rig));
}
END_TEST

START_TEST(a_bind_that_hangs_is_stuck_and_undone_by_itself_when_it_comes_back)
{
    for (unsigned n = 0; n < 10; n++) {
        A_RIG(build_gpu);
        A_TRY(try, &rig);
        rig.engine.limits.slow_usec = 1000;
        rig.engine.limits.stuck_usec = 2000;
        fake_workers_hang(rig.engine.workers, n);
        bind(&try);
        rig_until(&rig, &try.rested, 1);
        ck_assert_str_eq(try.job->result, "stuck");
        ck_assert_ptr_nonnull(try.hold);
        fake_workers_come_back(rig.engine.workers);
        rig_until(&rig, &try.rested, 2);
        ck_assert_ptr_null(try.hold);
        rig_assert_restored(&rig);
    }
}
END_TEST

/* As after a restart of a daemon with a guest on it: a write that hung before is no reason to take the device
 * away. */
START_TEST(what_a_guest_has_is_not_given_back_unasked)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind_all(&try);
    g_autofree char *bound = fake_host_snapshot_text(rig.host);
    try.in_use = true;
    hold_unstuck(try.hold);
    rig_settle(&rig);
    ck_assert_uint_eq(try.claims, 1);
    ck_assert(hold_bound(try.hold) && hold_at_rest(try.hold));
    rig_assert_host(&rig, bound);
    try.in_use = false;
    hold_unstuck(try.hold);
    rig_settle(&rig);
    ck_assert_ptr_null(try.hold);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(it_names_the_device_that_it_was_asked_for_before_it_has_touched_any)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind(&try);
    g_autoptr(GPtrArray) none = hold_devices(try.hold);
    ck_assert_uint_eq(none->len, 1);
    ck_assert_str_eq(g_ptr_array_index(none, 0), "0000:01:00.0");
    rig_settle(&rig);
    g_autoptr(GPtrArray) both = hold_devices(try.hold);
    ck_assert_uint_eq(both->len, 2);
}
END_TEST

SUITE("hold", a_group_is_bound_and_given_back, it_covers_the_functions_that_it_changed_and_no_other,
      the_way_back_can_be_asked_for_without_taking_it,
      a_crash_at_any_turn_of_a_bind_leaves_it_whole_or_undone,
      a_crash_at_any_turn_of_a_restore_is_taken_up_again,
      a_bind_that_fails_at_any_step_is_undone_and_the_job_says_why,
      what_cannot_be_given_back_stays_held_until_it_is_believed,
      a_bind_that_hangs_is_stuck_and_undone_by_itself_when_it_comes_back,
      what_a_guest_has_is_not_given_back_unasked,
      it_names_the_device_that_it_was_asked_for_before_it_has_touched_any)
