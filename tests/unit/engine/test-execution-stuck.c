/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps that hang in the kernel: slow, then stuck, and what becomes of them when they come back. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "execution-try.h"

/* A step that hangs is slow after 1 ms, and stuck after 3 ms. */
static void be_impatient(Rig *rig)
{
    rig->engine.limits.slow_usec = 1000;
    rig->engine.limits.stuck_usec = 3000;
}

/* What is logged meanwhile goes to a file. */
static int capture_log(int *ret_saved)
{
    int fd = memfd_create("log", MFD_CLOEXEC);

    *ret_saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    return fd;
}

static char *captured_log(int fd, int saved)
{
    char *text = g_new0(char, 65536);

    dup2(saved, STDERR_FILENO);
    close(saved);
    ck_assert_int_ge(pread(fd, text, 65535, 0), 0);
    close(fd);
    return text;
}

START_TEST(a_write_that_hangs_is_slow_then_stuck_and_undone_when_it_comes_back)
{
    for (unsigned n = 0; n < 11; n++) {
        A_TRY_OF(build_gpu);
        int saved, log = capture_log(&saved);
        be_impatient(&rig);
        fake_workers_hang(rig.engine.workers, n);
        try_run(&try, true);
        rig_until(&rig, &try.ended, 1);
        g_autofree char *words = captured_log(log, saved);
        g_auto(GStrv) subjects = g_strsplit(try.progress->str, "\n", -1);
        ck_assert_msg(strstr(words, "slow: ") && strstr(words, subjects[n]), "%s", words);
        ck_assert_int_eq(try.fault->kind, FAULT_STUCK);
        ck_assert_msg(g_str_has_prefix(try.fault->message, subjects[n]), "%s", try.fault->message);
        ck_assert_uint_eq(g_hash_table_size(rig.engine.stuck), 1);

        /* Left alone from now on. */
        unsigned steps = fake_workers_steps(rig.engine.workers);
        try_undo_on(&try, false);
        ck_assert_int_eq(try.fault->kind, FAULT_STUCK);
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), steps);
        ck_assert_uint_eq(try.unstuck, 0);

        fake_workers_come_back(rig.engine.workers);
        rig_until(&rig, &try.unstuck, 1);
        ck_assert_uint_eq(g_hash_table_size(rig.engine.stuck), 0);
        try_undo_all(&try);
    }
}
END_TEST

static void count(const char *subject, void *userdata)
{
    ++*(unsigned *)userdata;
}

START_TEST(an_owner_that_goes_says_who_hears_that_the_kernel_is_back)
{
    A_RIG(build_gpu);
    unsigned heard = 0;
    {
        A_TRY(try, &rig);
        rig.engine.limits.stuck_usec = 3000;
        fake_workers_hang(rig.engine.workers, 0);
        try_run(&try, true);
        execution_set_unstuck(try.execution, count, &heard);
        rig_until(&rig, &try.ended, 1);
        ck_assert_uint_eq(try.unstuck, 0);
    }
    fake_workers_come_back(rig.engine.workers);
    rig_until(&rig, &heard, 1);
    A_TRY(again, &rig);
    try_undo_all(&again);
}
END_TEST

START_TEST(a_write_of_an_undo_that_hangs_is_undone_when_it_comes_back)
{
    for (unsigned n = 0; n < 11; n++) {
        A_TRY_OF(build_gpu);
        try_run_all(&try);
        be_impatient(&rig);
        fake_workers_hang(rig.engine.workers, 11 + n);
        try_undo(&try, false);
        rig_until(&rig, &try.ended, 1);
        ck_assert_int_eq(try.fault->kind, FAULT_STUCK);
        fake_workers_come_back(rig.engine.workers);
        rig_until(&rig, &try.unstuck, 1);
        try_undo_all(&try);
    }
}
END_TEST

START_TEST(a_slow_write_that_comes_back_in_time_is_nothing_but_slow)
{
    A_TRY_OF(build_gpu);
    rig.engine.limits.slow_usec = 1000;
    fake_workers_hang(rig.engine.workers, 4);
    try_run(&try, true);
    while (!fake_workers_hanging(rig.engine.workers))
        ck_assert(rig_turn(&rig));
    ck_assert_int_gt(sd_event_run(rig.engine.event, G_USEC_PER_SEC), 0);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    try_assert_done(&try);
    try_undo_all(&try);
}
END_TEST

START_TEST(a_crash_while_a_write_hangs_is_undone)
{
    for (unsigned finish = 0; finish < 2; finish++) {
        A_TRY_OF(build_gpu);
        fake_workers_hang(rig.engine.workers, 5);
        try_run_on(&try);
        ck_assert(fake_workers_hanging(rig.engine.workers));
        try_die(&try, finish);
        try_undo_all(&try);
    }
}
END_TEST

START_TEST(a_modprobe_that_hangs_ends_as_stuck_and_nothing_was_done)
{
    A_TRY_OF(build_cold);
    be_impatient(&rig);
    fake_launcher_break_modules(rig.engine.launcher, true);
    try_run(&try, true);
    rig_until(&rig, &try.ended, 1);
    ck_assert_int_eq(try.fault->kind, FAULT_STUCK);
    try_undo_all(&try);
}
END_TEST

START_TEST(a_stop_waits_for_the_write_that_is_under_way)
{
    A_TRY_OF(build_gpu);
    fake_workers_hang(rig.engine.workers, 4);
    try_run_on(&try);
    execution_stop(try.execution, NULL);
    rig_settle(&rig);
    ck_assert_uint_eq(try.ended, 0);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    try_assert_done(&try);
    try_undo_all(&try);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_modprobe)
{
    A_TRY_OF(build_cold);
    fake_launcher_break_modules(rig.engine.launcher, true);
    try_run_on(&try);
    ck_assert_uint_eq(try.ended, 0);
    execution_stop(try.execution, NULL);
    rig_settle(&rig);
    try_assert_done(&try);
    try_undo_all(&try);
}
END_TEST

SUITE("execution-stuck", a_write_that_hangs_is_slow_then_stuck_and_undone_when_it_comes_back,
      an_owner_that_goes_says_who_hears_that_the_kernel_is_back,
      a_write_of_an_undo_that_hangs_is_undone_when_it_comes_back,
      a_slow_write_that_comes_back_in_time_is_nothing_but_slow, a_crash_while_a_write_hangs_is_undone,
      a_modprobe_that_hangs_ends_as_stuck_and_nothing_was_done, a_stop_waits_for_the_write_that_is_under_way,
      a_stop_does_not_wait_for_modprobe)
