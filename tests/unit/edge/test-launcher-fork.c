/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/wait.h>

#include "../suite.h"
#include "launcher-fork.h"

START_TEST(its_name_and_units_are_those_of_the_fork_launcher)
{
    g_autofree char *unit = launcher_unit(launcher, LAUNCHER_GUEST, "win10");
    ck_assert_str_eq(launcher_name(launcher), "fork");
    ck_assert_str_eq(unit, "usher-guest@win10.service");
}
END_TEST

START_TEST(an_exit_status_is_told_to_who_watches)
{
    start_watched("exit-3");
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert(!ended.by_signal);
    ck_assert_int_eq(ended.status, 3);
    ck_assert_msg(failures == 0, "who watches needs no second telling");
}
END_TEST

START_TEST(a_signal_is_told_to_who_watches)
{
    start_watched("sleep");
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert(ended.by_signal);
    ck_assert_int_eq(ended.status, SIGKILL);
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), -ESRCH);
}
END_TEST

START_TEST(an_end_long_ago_is_told_too)
{
    start("exit-3");
    pid_t pid = child_pid();
    loop_until_count(event, &failures, 1);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);

    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "exit-3", pid, on_exited, NULL), 0);
    ck_assert_int_eq(ends, 0);
    loop_until_count(event, &ends, 1);
    ck_assert(ended.known);
    ck_assert_int_eq(ended.status, 3);
}
END_TEST

START_TEST(of_a_process_that_nobody_knew_the_end_is_unknown)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", pid, on_exited, NULL), 0);
    loop_until_count(event, &ends, 1);
    ck_assert(!ended.known);
}
END_TEST

START_TEST(a_child_that_ends_before_it_connects_is_told_as_failed)
{
    start("exit-3");
    loop_until_count(event, &failures, 1);
    ck_assert_str_eq(failed_instance, "exit-3");
    ck_assert_str_eq(failed_message, "usher-launch exited with status 3 before it had connected to usherd");
}
END_TEST

START_TEST(a_child_that_had_connected_is_not_told_as_failed)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;

    start("sleep");
    pid_t pid = child_pid();
    ck_assert_int_eq(launcher_identify(launcher, pid, &kind, &instance), 0);
    ck_assert_int_eq(kind, LAUNCHER_GUEST);
    ck_assert_str_eq(instance, "sleep");
    launcher_connected(launcher, kind, instance);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "sleep", pid, on_exited, NULL), 0);
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_stranger_is_not_identified)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;

    start("sleep");
    ck_assert_int_eq(launcher_identify(launcher, getpid(), &kind, &instance), -EPERM);
    ck_assert_int_eq(launcher_identify(launcher, 1, &kind, &instance), -EPERM);
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
}
END_TEST

START_TEST(an_ended_child_is_not_identified)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;

    pid_t pid = start_watched("exit-3");
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(launcher_identify(launcher, pid, &kind, &instance), -EPERM);
}
END_TEST

START_TEST(what_runs_is_not_started_twice_and_what_ended_is_started_again)
{
    start_watched("sleep");
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "sleep", on_done, NULL), -EALREADY);
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
    loop_until_count(event, &ends, 1);
    answers = 0;
    start("sleep");
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
    loop_until_count(event, &failures, 1);
}
END_TEST

START_TEST(a_helper_that_is_not_there_is_named)
{
    g_autofree char *program = g_build_filename(folder.path, "usher-launch", NULL);
    g_autofree char *words = g_strdup_printf("cannot start %s: No such file or directory", program);
    ck_assert_int_eq(unlink(program), 0);
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, NULL), 0);
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, -ENOENT);
    ck_assert_str_eq(answer_message, words);
}
END_TEST

START_TEST(a_name_that_is_none_is_not_started)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "", on_done, NULL), -EINVAL);
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "--stop", on_done, NULL), -EINVAL);
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "../x", on_done, NULL), -EINVAL);
}
END_TEST

/* The guest "sleep", when it runs, and a launcher that has not started it. */
static pid_t start_and_restart_the_daemon(uint64_t *ret_start_time)
{
    start("sleep");
    pid_t pid = child_pid();
    ck_assert_int_eq(launcher_start_time(pid, ret_start_time), 0);
    launcher = launcher_free(launcher);
    new_launcher();
    return pid;
}

START_TEST(after_a_restart_a_guest_is_found_by_pid_and_start_time)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;
    uint64_t start_time;

    pid_t pid = start_and_restart_the_daemon(&start_time);
    ck_assert_int_eq(launcher_identify(launcher, pid, &kind, &instance), -EPERM);

    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "sleep", pid, start_time, on_found, NULL), 0);
    ck_assert_int_eq(finds, 0);
    loop_until_count(event, &finds, 1);
    ck_assert_int_eq(found, pid);
    ck_assert_int_eq(launcher_identify(launcher, pid, &kind, &instance), 0);
    ck_assert_str_eq(instance, "sleep");
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "sleep", pid, on_exited, NULL), 0);
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGTERM), 0);
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_pid_that_is_another_process_by_now_is_not_found)
{
    uint64_t start_time;

    pid_t pid = start_and_restart_the_daemon(&start_time);

    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "sleep", pid, start_time + 1, on_found, NULL),
                     0);
    loop_until_count(event, &finds, 1);
    ck_assert_int_eq(found, 0);
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "sleep", 0, 0, on_found, NULL), 0);
    loop_until_count(event, &finds, 2);
    ck_assert_int_eq(found, 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(launcher_start_time(pid, &start_time), -ESRCH);
}
END_TEST

START_TEST(a_stop_is_accepted_and_leaves_the_child_alone)
{
    start_watched("sleep");
    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_GUEST, "sleep", on_done, NULL), 0);
    loop_until_count(event, &answers, 2);
    ck_assert_int_eq(answer_error, 0);
    ck_assert_int_eq(ends, 0);
    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_GUEST, "sleep", NULL, NULL), 0);
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
    loop_until_count(event, &ends, 1);
}
END_TEST

START_TEST(what_is_forgotten_is_not_called_back)
{
    int mine, others;

    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "exit-3", on_done, &mine), 0);
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "exit-3", child_pid(), on_exited, &mine), 0);
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", 0, 0, on_found, &others), 0);
    launcher_forget(launcher, &mine);
    loop_until_count(event, &finds, 1);
    /* The next one ends after it. */
    start("exit-3");
    loop_until_count(event, &failures, 1);
    loop_settle(event);
    ck_assert_int_eq(answers, 1);
    ck_assert_int_eq(ends, 0);
    ck_assert_msg(finds == 1, "what is another's still comes");
    ck_assert_msg(failures == 1, "a start that was forgotten fails nobody");
}
END_TEST

/* A guest was stopped before it ran, and starts again while its old process is still there. */
START_TEST(a_start_that_was_forgotten_does_not_stand_in_the_way_of_the_next)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;
    int mine;

    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "sleep", on_done, &mine), 0);
    pid_t old = child_pid();
    launcher_forget(launcher, &mine);
    ck_assert_int_eq(launcher_identify(launcher, old, &kind, &instance), -EPERM);
    ck_assert_int_eq(kill(old, SIGKILL), 0);
    start("sleep");
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "sleep", SIGKILL), 0);
    loop_until_count(event, &failures, 1);
    ck_assert_int_eq(answers, 1);
    /* Both end at the same time; either may be noticed first. */
    while (kill(old, 0) == 0)
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "the old one was not reaped");
    ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(a_watch_that_was_taken_back_is_silent)
{
    start_watched("exit-3");
    launcher_unwatch(launcher, LAUNCHER_GUEST, "exit-3");
    launcher_unwatch(launcher, LAUNCHER_GUEST, "never-heard-of");
    loop_until_count(event, &failures, 1);
    loop_settle(event);
    ck_assert_int_eq(ends, 0);
}
END_TEST

START_TEST(what_is_pending_is_dropped_with_the_launcher)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "exit-3", on_done, NULL), 0);
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", 0, 0, on_found, NULL), 0);
    launcher = launcher_free(launcher);
    loop_settle(event);
    ck_assert_int_eq(answers + finds + failures, 0);
}
END_TEST

static void free_launcher(const LauncherExit *exit, void *userdata)
{
    ends++;
    launcher = launcher_free(launcher);
}

START_TEST(the_launcher_may_be_freed_from_within_a_call)
{
    start("exit-3");
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "exit-3", child_pid(), free_launcher, NULL), 0);
    loop_until_count(event, &ends, 1);
    loop_settle(event);
}
END_TEST

START_TEST(a_module_that_cannot_be_loaded_is_an_error_in_words)
{
    ck_assert_int_eq(launcher_load_module(launcher, "usher-no-such-module", on_done, NULL), 0);
    loop_until_count(event, &answers, 1);
    ck_assert_int_lt(answer_error, 0);
    ck_assert_ptr_nonnull(strstr(answer_message, "modprobe"));
    ck_assert_int_eq(launcher_load_module(launcher, "-r", on_done, NULL), -EINVAL);
    ck_assert_int_eq(launcher_load_module(launcher, "a/b", on_done, NULL), -EINVAL);
    ck_assert_int_eq(launcher_load_module(launcher, "", on_done, NULL), -EINVAL);
}
END_TEST

SUITE_WITH("launcher-fork", setup, teardown, its_name_and_units_are_those_of_the_fork_launcher,
           an_exit_status_is_told_to_who_watches, a_signal_is_told_to_who_watches,
           an_end_long_ago_is_told_too, of_a_process_that_nobody_knew_the_end_is_unknown,
           a_child_that_ends_before_it_connects_is_told_as_failed,
           a_child_that_had_connected_is_not_told_as_failed, a_stranger_is_not_identified,
           an_ended_child_is_not_identified, what_runs_is_not_started_twice_and_what_ended_is_started_again,
           a_helper_that_is_not_there_is_named, a_name_that_is_none_is_not_started,
           after_a_restart_a_guest_is_found_by_pid_and_start_time,
           a_pid_that_is_another_process_by_now_is_not_found, a_stop_is_accepted_and_leaves_the_child_alone,
           what_is_forgotten_is_not_called_back,
           a_start_that_was_forgotten_does_not_stand_in_the_way_of_the_next,
           a_watch_that_was_taken_back_is_silent, what_is_pending_is_dropped_with_the_launcher,
           the_launcher_may_be_freed_from_within_a_call, a_module_that_cannot_be_loaded_is_an_error_in_words)
