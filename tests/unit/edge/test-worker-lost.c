/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helpers that die, hang, talk nonsense or never come. */
#include <signal.h>
#include <sys/wait.h>

#include "worker-bench.h"

START_TEST(a_helper_that_dies_in_a_step_is_lost)
{
    Worker *worker = get_worker();
    take(worker, "die");
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_ptr_null(live);
    /* The helper is gone, and the worker with it; the next job gets another. */
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_helper_that_dies_between_steps_is_noticed_at_the_next)
{
    siginfo_t ended;

    Worker *worker = get_worker();
    take(worker, "die-afterwards");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    /* Waits for its end and leaves it to the launcher to reap. */
    ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    loop_settle(event);
    ck_assert_int_eq(step(worker, "echo", ""), -ENOTCONN);
    worker_release(worker);
    get_worker();
    ck_assert_int_eq(adopted, 2);
}
END_TEST

/* The pool has not noticed that the connection is closed: only sending shows it. */
START_TEST(a_helper_that_cannot_be_spoken_to_any_more_is_not_given_to_the_next_job)
{
    siginfo_t ended;

    Worker *worker = get_worker();
    take(worker, "die-afterwards");
    ck_assert_int_eq(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(step(worker, "echo", ""), -ENOTCONN);
    worker_release(worker);
    take(get_worker(), "echo");
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_int_eq(adopted, 2);
}
END_TEST

START_TEST(a_helper_that_talks_nonsense_is_lost)
{
    static const char *const nonsense[] = {
        "whatever", "done", "done value", "failed =", "failed x =", "failed -5 =", "done =a =b", "opened"};

    for (unsigned i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        Worker *worker = get_worker();
        readies = 0;
        take_to(worker, "say", nonsense[i]);
        ck_assert_msg(answer.verdict == WORKER_LOST, "taken for an answer: %s", nonsense[i]);
    }
}
END_TEST

START_TEST(a_helper_that_cannot_be_started_is_an_answer_in_words)
{
    g_autofree char *program = g_build_filename(folder.path, "usher-bind", NULL);
    ck_assert_int_eq(unlink(program), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_msg(g_str_has_suffix(ready_message, "usher-bind: No such file or directory"), "%s",
                  ready_message);
}
END_TEST

START_TEST(a_helper_that_ends_before_it_connects_is_an_answer_in_words)
{
    /* Nobody listens any more. */
    ck_assert_int_eq(unlink(folder.socket), 0);
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_str_eq(ready_message, "usher-bind exited with status 2 before it had connected to usherd");
}
END_TEST

/* The hanging helper waits for this FIFO to be opened for writing. */
static char *make_fifo(void)
{
    char *path = g_build_filename(folder.path, "fifo", NULL);

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return path;
}

START_TEST(a_worker_that_hangs_is_let_go_of_and_tells_when_it_comes_back)
{
    g_autofree char *fifo = make_fifo();
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, fifo, ""), 0);
    worker_abandon(worker, on_late, NULL);
    /* It holds nobody up. */
    take(get_worker(), "echo");
    ck_assert_int_eq(answers, 1);
    ck_assert_int_eq(lates, 0);

    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_DONE);
    ck_assert_str_eq(live, "at last");
    ck_assert_msg(answers == 1, "who let go of it is not called any more");
    close_fd(fd);
}
END_TEST

START_TEST(a_worker_that_was_let_go_of_and_dies_tells_that)
{
    Worker *worker = get_worker();
    ck_assert_int_eq(step(worker, "die", ""), 0);
    worker_abandon(worker, on_late, NULL);
    loop_until_count(event, &lates, 1);
    ck_assert_int_eq(answer.verdict, WORKER_LOST);
    ck_assert_int_eq(answers, 0);

    worker = get_worker();
    ck_assert_int_eq(step(worker, "echo", ""), 0);
    worker_release(worker);
    take(get_worker(), "echo");
    ck_assert_msg(answers == 1, "one that is released in its step is not called either");
}
END_TEST

START_TEST(a_helper_that_nobody_asked_for_is_sent_away)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_BIND, "1", NULL, NULL), 0);
    loop_until_count(event, &adopted, 1);
    loop_settle(event);
    /* Its connection is closed, so it ends; a hang here would be the failure. */
    pid_t pid = waitpid(-1, NULL, 0);
    ck_assert(pid > 0 || errno == ECHILD);
}
END_TEST

START_TEST(who_never_comes_is_given_up)
{
    g_autofree char *mute = g_build_filename(folder.path, "mute", NULL);
    ck_assert(g_file_set_contents(mute, "", 0, NULL));
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_str_eq(ready_message, "usher-bind did not come up within 30 s");
}
END_TEST

SUITE_WITH("worker-lost", setup, teardown, a_helper_that_dies_in_a_step_is_lost,
           a_helper_that_dies_between_steps_is_noticed_at_the_next,
           a_helper_that_cannot_be_spoken_to_any_more_is_not_given_to_the_next_job,
           a_helper_that_talks_nonsense_is_lost, a_helper_that_cannot_be_started_is_an_answer_in_words,
           a_helper_that_ends_before_it_connects_is_an_answer_in_words,
           a_worker_that_hangs_is_let_go_of_and_tells_when_it_comes_back,
           a_worker_that_was_let_go_of_and_dies_tells_that, a_helper_that_nobody_asked_for_is_sent_away,
           who_never_comes_is_given_up)
