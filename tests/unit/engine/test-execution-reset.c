/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resets on the way to a guest and back: that they are made where they harm nobody, and what becomes of a
 * device whose reset fails. test-execution.c crashes and fails them like any other step. */
#include <string.h>

#include "execution-try.h"

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"
/* Where the resets are in the plan, counted from 0, and in its undo: there only drivers and power settings
 * come after them. */
#define RESET_GPU 6
#define RESET_AUDIO 7
#define STEPS 13
#define UNDO_RESET_GPU (STEPS + STEPS - 1 - RESET_GPU)

static void assert_resets(const Rig *rig, unsigned count)
{
    ck_assert_uint_eq(fake_host_resets(rig->host, GPU), count);
    ck_assert_uint_eq(fake_host_resets(rig->host, AUDIO), count);
}

static const char *reason(const Rig *rig, const char *address)
{
    return ledger_reason(rig->engine.ledger, address);
}

static void assert_noted(const Rig *rig, const char *address, const char *words)
{
    const char *why = reason(rig, address);
    ck_assert_msg(why && strstr(why, words), "%s", why ? why : "nothing");
}

/* The undo leaves the device alone, but the journal keeps its steps. */
static void assert_left_alone(const Try *try)
{
    ck_assert_uint_eq(try->ended, 1);
    ck_assert_int_eq(try->fault->kind, FAULT_FAILED);
}

START_TEST(each_function_is_reset_there_and_back_while_no_driver_has_it)
{
    A_TRY_OF(build_reset);
    try_run_all(&try);
    ck_assert_msg(strstr(try.progress->str, "driver of " GPU ": radeon → none\n"
                                            "reset of " GPU ": reset → reset\n"
                                            "reset of " AUDIO ": reset → reset\n"
                                            "override of " AUDIO ": none → vfio-pci\n"),
                  "%s", try.progress->str);
    assert_resets(&rig, 1);
    g_string_truncate(try.progress, 0);
    try_undo_all(&try);
    ck_assert_msg(strstr(try.progress->str, "override of " AUDIO ": vfio-pci → none\n"
                                            "reset of " AUDIO ": reset → reset\n"
                                            "reset of " GPU ": reset → reset\n"
                                            "driver of " GPU ": none → radeon\n"),
                  "%s", try.progress->str);
    assert_resets(&rig, 2);
    ck_assert_ptr_null(reason(&rig, GPU));
}
END_TEST

/* What pci_reset_function() and a write to sysfs give. */
static const int errors[] = {ENOTTY, EINVAL, EAGAIN, ENOMEM, ETIMEDOUT, EIO, ENODEV, EACCES, EINTR, EBUSY};

START_TEST(a_reset_that_fails_is_noted_and_the_rest_is_undone)
{
    for (unsigned e = 0; e < G_N_ELEMENTS(errors); e++) {
        A_TRY_OF(build_reset);
        fake_workers_fail(rig.engine.workers, RESET_GPU, errors[e]);
        try_run_on(&try);
        assert_left_alone(&try);
        ck_assert_msg(strstr(try.fault->message, "reset of " GPU " failed: "), "%s", try.fault->message);
        /* If somebody has the group open, that is no fault of the device's. */
        if (errors[e] == EBUSY) {
            ck_assert_ptr_null(reason(&rig, GPU));
        } else {
            g_autofree char *words = g_strdup_printf(
                ": reset failed: %s",
                errors[e] == EIO ? "the kernel took the write, but did not do it" : g_strerror(errors[e]));
            assert_noted(&rig, GPU, words);
        }
        ck_assert_ptr_null(reason(&rig, AUDIO));
        try_undo_all(&try);
    }
}
END_TEST

START_TEST(what_is_noted_outlives_the_daemon)
{
    A_TRY_OF(build_reset);
    fake_workers_fail(rig.engine.workers, RESET_AUDIO, EIO);
    try_run_on(&try);
    try_die(&try, false);
    assert_noted(&rig, AUDIO, "reset failed: ");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_device_that_is_silent_after_its_reset_is_not_given_on)
{
    A_TRY_OF(build_reset);
    try_run(&try, true);
    fake_host_silence(rig.host, GPU);
    rig_settle(&rig);
    assert_left_alone(&try);
    ck_assert_msg(strstr(try.fault->message, "reset of " GPU " failed: the device does not answer any more"),
                  "%s", try.fault->message);
    assert_noted(&rig, GPU, "reset failed: the device does not answer any more");
    /* Nor is the device given back by itself, as its reset fails again; by an administrator's word it is. */
    try_undo_on(&try, false);
    assert_left_alone(&try);
    try_undo_on(&try, true);
    try_assert_done(&try);
    rig_assert_host(&rig, rig.beginning);
}
END_TEST

START_TEST(a_reset_that_fails_on_the_way_back_keeps_the_device_from_its_driver)
{
    A_TRY_OF(build_reset);
    try_run_all(&try);
    fake_workers_fail(rig.engine.workers, UNDO_RESET_GPU, EIO);
    try_undo_on(&try, false);
    assert_left_alone(&try);
    assert_noted(&rig, GPU, "reset failed: ");
    rig_assert_driver(&rig, GPU, "");
    rig_assert_driver(&rig, AUDIO, "snd_hda_intel");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_reset_that_hangs_is_noted)
{
    A_TRY_OF(build_reset);
    rig.engine.limits.slow_usec = 1000;
    rig.engine.limits.stuck_usec = 3000;
    fake_workers_hang(rig.engine.workers, RESET_GPU);
    try_run(&try, true);
    rig_until(&rig, &try.ended, 1);
    ck_assert_int_eq(try.fault->kind, FAULT_STUCK);
    assert_noted(&rig, GPU, "reset failed: Connection timed out");
    fake_workers_come_back(rig.engine.workers);
    rig_until(&rig, &try.unstuck, 1);
    try_undo_all(&try);
}
END_TEST

#define A_DEVICE_THAT_IS_NOT_TAKEN_BACK                                                                      \
    A_TRY_OF(build_gpu);                                                                                     \
    try_run_all(&try);                                                                                       \
    fake_host_fail_probe(rig.host, GPU)

START_TEST(a_device_that_its_driver_does_not_take_back_is_noted)
{
    A_DEVICE_THAT_IS_NOT_TAKEN_BACK;
    try_undo_on(&try, false);
    assert_left_alone(&try);
    assert_noted(&rig, GPU, "restore failed: driver of " GPU ": none → radeon");
    try_undo_all(&try);
}
END_TEST

/* The administrator sees the failure, and may put right what causes it. */
START_TEST(what_an_administrator_tries_in_vain_is_not_noted)
{
    A_DEVICE_THAT_IS_NOT_TAKEN_BACK;
    try_undo_on(&try, true);
    assert_left_alone(&try);
    ck_assert_ptr_null(reason(&rig, GPU));
    try_undo_all(&try);
}
END_TEST

/* The group is not free until the last part of a guest has let go of it. */
START_TEST(that_a_group_is_not_free_yet_is_not_noted)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    /* Its undo ends with both drivers and the power settings. */
    fake_workers_fail(rig.engine.workers, 11 + 11 - 1 - 5, EINVAL);
    try_undo_on(&try, false);
    assert_left_alone(&try);
    ck_assert_msg(strstr(try.fault->message, "driver of " GPU ": cannot go from none to radeon"), "%s",
                  try.fault->message);
    ck_assert_ptr_null(reason(&rig, GPU));
    try_undo_all(&try);
}
END_TEST

START_TEST(what_fails_on_the_way_to_a_guest_is_undone_and_not_noted)
{
    for (unsigned n = 0; n < 11; n++) {
        A_TRY_OF(build_gpu);
        fake_workers_fail(rig.engine.workers, n, EIO);
        try_run_on(&try);
        try_undo_all(&try);
        ck_assert_ptr_null(reason(&rig, GPU));
        ck_assert_ptr_null(reason(&rig, AUDIO));
    }
}
END_TEST

SUITE("execution-reset", each_function_is_reset_there_and_back_while_no_driver_has_it,
      a_reset_that_fails_is_noted_and_the_rest_is_undone, what_is_noted_outlives_the_daemon,
      a_device_that_is_silent_after_its_reset_is_not_given_on,
      a_reset_that_fails_on_the_way_back_keeps_the_device_from_its_driver, a_reset_that_hangs_is_noted,
      a_device_that_its_driver_does_not_take_back_is_noted, what_an_administrator_tries_in_vain_is_not_noted,
      that_a_group_is_not_free_yet_is_not_noted, what_fails_on_the_way_to_a_guest_is_undone_and_not_noted)
