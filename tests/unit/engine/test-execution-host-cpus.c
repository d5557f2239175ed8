/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host CPUs that the host's units are kept off: several guests at once, whoever comes and goes first, and a
 * systemd that fails. test-execution.c crashes them like any other step. */
#include <string.h>

#include "execution-try.h"

static const char *build_host_cpus(FakeHost *host)
{
    fake_host_add_cpus(host, 8, NULL);
    fake_host_allow_cpus(host, "user.slice", "0-5");
    return "[CPU]\nPin=2-3\nIsolate=yes\n";
}

static void assert_allowed(const Rig *rig, const char *system, const char *user)
{
    g_autofree char *of_system = fake_host_allowed_cpus(rig->host, "system.slice");
    g_autofree char *of_user = fake_host_allowed_cpus(rig->host, "user.slice");

    ck_assert_str_eq(of_system, system);
    ck_assert_str_eq(of_user, user);
}

/* Another guest's try, upon the same host. */
static Try other_try(Rig *rig)
{
    Try try = try_new(rig);

    journal_close(try.journal);
    try.journal = rig_journal(rig, "guest/other");
    return try;
}

static void run_other(Try *try)
{
    const char *definition = try->rig->definition;

    try->rig->definition = "[CPU]\nPin=4-5\nIsolate=yes\n";
    try_run(try, true);
    try->rig->definition = definition;
}

static void undo_quietly(Try *try)
{
    try_undo(try, false);
    rig_settle(try->rig);
    try_assert_done(try);
}

START_TEST(each_guest_takes_and_gives_back_its_own)
{
    for (unsigned first = 0; first < 2; first++) {
        A_RIG(build_host_cpus);
        A_TRY(one, &rig);
        __attribute__((cleanup(try_free))) Try two = other_try(&rig);

        /* At once: both planned when nothing was taken. */
        try_run(&one, true);
        run_other(&two);
        rig_settle(&rig);
        try_assert_done(&one);
        try_assert_done(&two);
        assert_allowed(&rig, "0-1,6-7", "0-1");
        undo_quietly(first == 0 ? &one : &two);
        assert_allowed(&rig, first == 0 ? "0-3,6-7" : "0-1,4-7", first == 0 ? "0-3" : "0-1,4-5");
        undo_quietly(first == 0 ? &two : &one);
        rig_assert_host(&rig, rig.beginning);
    }
}
END_TEST

START_TEST(one_starts_while_the_other_stops)
{
    A_RIG(build_host_cpus);
    A_TRY(one, &rig);
    __attribute__((cleanup(try_free))) Try two = other_try(&rig);

    try_run_all(&one);
    try_undo(&one, false);
    run_other(&two);
    rig_settle(&rig);
    assert_allowed(&rig, "0-3,6-7", "0-3");
    undo_quietly(&two);
    rig_assert_host(&rig, rig.beginning);
}
END_TEST

START_TEST(a_limit_that_somebody_else_sets_meanwhile_stays)
{
    A_TRY_OF(build_host_cpus);
    try_run_all(&try);
    fake_host_allow_cpus(rig.host, "system.slice", "0,4-6");
    undo_quietly(&try);
    assert_allowed(&rig, "0,2-6", "0-5");
}
END_TEST

START_TEST(what_systemd_does_not_do_ends_the_start_and_the_rest_is_undone)
{
    for (unsigned n = 0; n < 3; n++) {
        A_TRY_OF(build_host_cpus);
        fake_host_fail_write(rig.host, n, EACCES);
        try_run_on(&try);
        ck_assert_ptr_nonnull(try.fault);
        ck_assert_int_eq(try.fault->kind, FAULT_FAILED);
        ck_assert_str_eq(try.fault->remedy, "see what systemd says: systemctl status, and journalctl");
        fake_host_fail_write(rig.host, 0, 0);
        try_undo_all(&try);
    }
}
END_TEST

START_TEST(an_undo_that_systemd_does_not_do_can_be_tried_again)
{
    for (unsigned n = 0; n < 2; n++) {
        A_TRY_OF(build_host_cpus);
        try_run_all(&try);
        fake_host_fail_write(rig.host, n, EACCES);
        try_undo_on(&try, false);
        ck_assert_ptr_nonnull(try.fault);
        fake_host_fail_write(rig.host, 0, 0);
        try_undo_all(&try);
    }
}
END_TEST

static const char *build_fast(FakeHost *host)
{
    fake_host_add_cpus(host, 8, "schedutil");
    return "[CPU]\nPin=2-3\nGovernor=performance\n";
}

START_TEST(a_governor_that_somebody_chose_meanwhile_stays_and_the_rest_goes_back)
{
    A_TRY_OF(build_fast);
    try_run_all(&try);
    fake_host_set_governor(rig.host, 3, "powersave");
    undo_quietly(&try);
    g_autofree char *text = fake_host_snapshot_text(rig.host);
    ck_assert_ptr_nonnull(strstr(text, "cpu2 schedutil\ncpu3 powersave\n"));
}
END_TEST

START_TEST(a_host_cpu_that_was_switched_off_meanwhile_keeps_none_from_going_back)
{
    A_TRY_OF(build_fast);
    try_run_all(&try);
    fake_host_switch_off_cpu(rig.host, 3);
    undo_quietly(&try);
    g_autofree char *text = fake_host_snapshot_text(rig.host);
    ck_assert_ptr_nonnull(strstr(text, "cpu2 schedutil\n"));
}
END_TEST

SUITE("execution-host-cpus", each_guest_takes_and_gives_back_its_own, one_starts_while_the_other_stops,
      a_limit_that_somebody_else_sets_meanwhile_stays,
      what_systemd_does_not_do_ends_the_start_and_the_rest_is_undone,
      an_undo_that_systemd_does_not_do_can_be_tried_again,
      a_governor_that_somebody_chose_meanwhile_stays_and_the_rest_goes_back,
      a_host_cpu_that_was_switched_off_meanwhile_keeps_none_from_going_back)
