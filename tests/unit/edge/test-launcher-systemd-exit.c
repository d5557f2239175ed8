/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How systemd tells of the end of what it started. */
#include <signal.h>

#include "../suite.h"
#include "launcher-systemd.h"

START_TEST(an_exit_is_told_as_systemd_knows_it)
{
    pid_t pid = process_new();
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    until_called("RefUnit " UNIT "|");
    ck_assert_int_eq(mock.references, 1);
    mock.unit.exec_pid = pid;
    mock.unit.ended = 1;
    mock.unit.code = CLD_EXITED;
    mock.unit.status = 3;
    process_kill(pid);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert(!ended.by_signal);
    ck_assert_int_eq(ended.status, 3);
    until_called("UnrefUnit " UNIT "|");
    ck_assert_int_eq(mock.references, 0);
}
END_TEST

START_TEST(a_killing_signal_is_told_as_systemd_knows_it)
{
    pid_t pid = process_new();
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    mock.unit.exec_pid = pid;
    mock.unit.ended = 1;
    mock.unit.code = CLD_DUMPED;
    mock.unit.status = SIGSEGV;
    process_kill(pid);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert(ended.by_signal);
    ck_assert_int_eq(ended.status, SIGSEGV);
}
END_TEST

START_TEST(an_exit_that_systemd_has_not_noticed_yet_is_waited_for)
{
    pid_t pid = process_new();
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    mock.unit.exec_pid = pid;
    process_kill(pid);
    loop_until_count(event, &mock.status_reads, 1);
    settle();
    ck_assert_int_eq(ends, 0);

    mock.unit.ended = 1;
    mock.unit.code = CLD_EXITED;
    mock_systemd_tell_change(&mock);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert_int_eq(ended.status, 0);
}
END_TEST

START_TEST(an_exit_long_ago_is_told_too)
{
    pid_t pid = process_new();
    process_kill(pid);
    mock.unit.exec_pid = pid;
    mock.unit.ended = 1;
    mock.unit.code = CLD_KILLED;
    mock.unit.status = SIGKILL;
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    ck_assert_int_eq(ends, 0);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert_int_eq(ended.status, SIGKILL);
}
END_TEST

START_TEST(an_exit_of_another_run_of_the_unit_is_not_taken_for_it)
{
    pid_t pid = process_new();
    process_kill(pid);
    mock.unit.exec_pid = pid + 1;
    mock.unit.ended = 1;
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    loop_until_count(event, &ends, 1);
    ck_assert(!ended.known);

    mock.property_error = SD_BUS_ERROR_NO_REPLY;
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    loop_until_count(event, &ends, 2);
    ck_assert_msg(!ended.known, "an error is no exit status");
}
END_TEST

START_TEST(a_watch_that_was_taken_back_or_forgotten_is_silent)
{
    int owner;

    pid_t pid = process_new();
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    launcher_unwatch(launcher, LAUNCHER_GUEST, "win10");
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, &owner), 0);
    launcher_forget(launcher, &owner);
    process_kill(pid);
    settle();
    ck_assert_int_eq(ends, 0);
    ck_assert_int_eq(mock.references, 0);
}
END_TEST

START_TEST(a_guest_is_found_by_the_main_pid_of_its_unit)
{
    mock.unit.main_pid = 4711;
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", 1, 1, on_found, NULL), 0);
    ck_assert_int_eq(finds, 0);
    loop_until_count(event, &finds, 1);
    ck_assert_msg(found == 4711, "systemd is believed, not what was remembered");

    mock.unit.main_pid = 0;
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", getpid(), 1, on_found, NULL), 0);
    loop_until_count(event, &finds, 2);
    ck_assert_int_eq(found, 0);
}
END_TEST

SUITE_WITH("launcher-systemd-exit", setup, teardown, an_exit_is_told_as_systemd_knows_it,
           a_killing_signal_is_told_as_systemd_knows_it,
           an_exit_that_systemd_has_not_noticed_yet_is_waited_for, an_exit_long_ago_is_told_too,
           an_exit_of_another_run_of_the_unit_is_not_taken_for_it,
           a_watch_that_was_taken_back_or_forgotten_is_silent, a_guest_is_found_by_the_main_pid_of_its_unit)
