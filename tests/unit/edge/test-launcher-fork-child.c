/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a child of the fork launcher inherits. */
#include <signal.h>

#include "../suite.h"
#include "launcher-fork.h"

START_TEST(a_child_inherits_no_descriptors)
{
    int leak[2];

    ck_assert_int_eq(pipe(leak), 0);
    start_watched("fds");
    loop_until_count(event, &ends, 1);
    ck_assert_msg(ended.status == 3, "the child has %d descriptors", ended.status);
    close_fd(leak[0]);
    close_fd(leak[1]);
}
END_TEST

START_TEST(a_child_has_a_session_of_its_own_and_signals_as_by_default)
{
    sigset_t blocked;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    start_watched("signals");
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(ended.status, 0);
}
END_TEST

START_TEST(a_child_learns_where_the_daemon_listens_and_little_else)
{
    setenv("SECRET", "of the daemon's", 1);
    start_watched("environment");
    loop_until_count(event, &ends, 1);
    ck_assert_int_eq(ended.status, 0);
}
END_TEST

SUITE_WITH("launcher-fork-child", setup, teardown, a_child_inherits_no_descriptors,
           a_child_has_a_session_of_its_own_and_signals_as_by_default,
           a_child_learns_where_the_daemon_listens_and_little_else)
