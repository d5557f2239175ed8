/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/edge/launcher/launcher.h"
#include "../../../daemon/edge/launcher/process-watch.h"
#include "../suite.h"

static sd_event *event;
static pid_t child;
static unsigned n_ended;

static void on_ended(void *userdata)
{
    n_ended++;
}

static void set_up(void)
{
    ck_assert_int_ge(sd_event_new(&event), 0);
    n_ended = 0;
    /* libcheck's own handler, which the child would have too, ends the whole group. */
    signal(SIGTERM, SIG_DFL);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
}

static void tear_down(void)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sd_event_unref(event);
}

static int watch_as(pid_t parent, uint64_t start_time, ProcessWatch **ret)
{
    return process_watch_new(event, child, parent, start_time, on_ended, NULL, ret);
}

START_TEST(the_end_of_a_process_is_told_once_though_nobody_reaped_it)
{
    ProcessWatch *watch;

    ck_assert_int_eq(watch_as(getpid(), 0, &watch), 0);
    ck_assert_int_eq(sd_event_run(event, 0), 0);
    ck_assert(!process_watch_ended(watch));
    kill(child, SIGTERM);
    ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
    ck_assert(process_watch_ended(watch));
    ck_assert_int_eq(sd_event_run(event, 0), 0);
    ck_assert_uint_eq(n_ended, 1);
    process_watch_free(watch);
}
END_TEST

START_TEST(one_that_was_let_go_of_is_not_told)
{
    ProcessWatch *watch;

    ck_assert_int_eq(watch_as(getpid(), 0, &watch), 0);
    process_watch_free(watch);
    kill(child, SIGTERM);
    waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
    ck_assert_int_eq(sd_event_run(event, 0), 0);
    ck_assert_uint_eq(n_ended, 0);
}
END_TEST

START_TEST(a_process_that_was_not_meant_is_not_taken_for_it)
{
    ProcessWatch *watch = NULL;
    uint64_t start_time;

    ck_assert_int_eq(launcher_start_time(child, &start_time), 0);
    ck_assert_int_eq(watch_as(getppid(), start_time, &watch), -EPERM);
    ck_assert_int_eq(watch_as(getpid(), start_time + 1, &watch), -ESRCH);
    ck_assert_ptr_null(watch);
    ck_assert_int_eq(watch_as(getpid(), start_time, &watch), 0);
    process_watch_free(watch);
}
END_TEST

START_TEST(a_process_that_has_ended_is_gone_though_its_number_is_not)
{
    ProcessWatch *watch = NULL;

    kill(child, SIGTERM);
    waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
    ck_assert_int_eq(watch_as(getpid(), 0, &watch), -ESRCH);
}
END_TEST

START_TEST(a_process_is_ending_when_it_has_no_memory_any_more)
{
    ck_assert(!process_ending(child));
    kill(child, SIGTERM);
    waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
    ck_assert(process_ending(child));
    waitpid(child, NULL, 0);
    ck_assert(process_ending(child));
}
END_TEST

START_TEST(a_process_is_killed_by_what_stands_for_it)
{
    ProcessWatch *watch;
    int status;

    ck_assert_int_eq(watch_as(getpid(), 0, &watch), 0);
    ck_assert(process_watch_kill(watch));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    process_watch_free(watch);
}
END_TEST

SUITE_WITH("process-watch", set_up, tear_down, the_end_of_a_process_is_told_once_though_nobody_reaped_it,
           one_that_was_let_go_of_is_not_told, a_process_that_was_not_meant_is_not_taken_for_it,
           a_process_that_has_ended_is_gone_though_its_number_is_not,
           a_process_is_ending_when_it_has_no_memory_any_more, a_process_is_killed_by_what_stands_for_it)
