/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests whose names are too long for a user's: systemd reloads before their start. Against a mock of systemd
 * (mock-systemd.h says why). */
#include "../suite.h"
#include "launcher-systemd.h"

#define NAME_25 "twentyfive-characters-012"
#define NAME_26 NAME_25 "3"
#define UNIT_25 "usher-guest@" NAME_25 ".service"
#define UNIT_26 "usher-guest@" NAME_26 ".service"

static void start(LauncherKind kind, const char *name, void *owner)
{
    ck_assert_int_eq(launcher_start(launcher, kind, name, on_done, owner), 0);
}

/* Once the mock has the call of Reload; it has not answered. */
static void start_and_wait_for_reload(void *owner)
{
    mock.late = true;
    start(LAUNCHER_GUEST, NAME_26, owner);
    until_called("Reload|");
    settle();
}

START_TEST(a_long_name_is_started_once_systemd_has_reloaded)
{
    ck_assert_uint_eq(strlen(NAME_26), 26);
    start_and_wait_for_reload(NULL);
    ck_assert_str_eq(mock.calls->str, "Subscribe|Reload|");
    mock_systemd_answer(&mock, 1);
    until_called("ResetFailedUnit " UNIT_26 "|StartUnit " UNIT_26 " replace|");
    settle();
    ck_assert_int_eq(answers, 0);
    mock_systemd_answer(&mock, 1);
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, 0);
    /* And the start can still fail. */
    mock_systemd_end_job(&mock, 2, UNIT_26, "timeout");
    loop_until_count(event, &failures, 1);
    ck_assert_str_eq(failed_instance, NAME_26);
}
END_TEST

START_TEST(a_shorter_name_and_a_helper_need_no_reload)
{
    start(LAUNCHER_GUEST, NAME_25, NULL);
    start(LAUNCHER_BIND, "12345678901234567890123456", NULL);
    loop_until_count(event, &answers, 2);
    ck_assert_ptr_nonnull(strstr(mock.calls->str, "StartUnit " UNIT_25));
    ck_assert_ptr_null(strstr(mock.calls->str, "Reload"));
}
END_TEST

START_TEST(a_reload_that_systemd_refuses_is_told_and_nothing_is_started)
{
    mock.refusal = "not now";
    start(LAUNCHER_GUEST, NAME_26, NULL);
    loop_until_count(event, &answers, 1);
    ck_assert_int_lt(answer_error, 0);
    ck_assert_str_eq(answer_message, "systemd did not reload its units before the start of " UNIT_26 ": not now");
    mock_systemd_end_job(&mock, 1, UNIT_26, "failed");
    settle();
    ck_assert_int_eq(failures, 0);
    ck_assert_str_eq(mock.calls->str, "Subscribe|Reload|");
}
END_TEST

START_TEST(a_start_that_is_forgotten_during_the_reload_does_not_happen)
{
    int owner;

    start_and_wait_for_reload(&owner);
    launcher_forget(launcher, &owner);
    mock_systemd_answer(&mock, 1);
    settle();
    ck_assert_str_eq(mock.calls->str, "Subscribe|Reload|");
    ck_assert_int_eq(answers, 0);
}
END_TEST

START_TEST(a_launcher_that_is_freed_during_the_reload_starts_nothing)
{
    start_and_wait_for_reload(NULL);
    launcher = launcher_free(launcher);
    mock_systemd_answer(&mock, 2);
    loop_settle(event);
    ck_assert_str_eq(mock.calls->str, "Subscribe|Reload|");
}
END_TEST

SUITE_WITH("launcher-systemd-name", setup, teardown, a_long_name_is_started_once_systemd_has_reloaded,
           a_shorter_name_and_a_helper_need_no_reload,
           a_reload_that_systemd_refuses_is_told_and_nothing_is_started,
           a_start_that_is_forgotten_during_the_reload_does_not_happen,
           a_launcher_that_is_freed_during_the_reload_starts_nothing)
