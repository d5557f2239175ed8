/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool over a systemd that answers late, twice, never, or after the asker has gone: PID 1 is busy,
 * reloads, or has thousands of other calls first. The workers are this test, which connects when it wants
 * to. */
#include <sys/socket.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/helper/worker.h"
#include "../suite.h"
#include "loop.h"
#include "mock-systemd.h"

/* Instead of the 25 s of sd_bus_call_async(3). */
#define PATIENCE_USEC (50 * 1000)

static sd_event *event;
static PrivateBus private;
static MockSystemd mock;
static sd_bus *bus;
static Launcher *launcher;
static WorkerPool *pool;
static int readies, answers;
static Worker *ready_worker;
static char *ready_message, *live;
static WorkerVerdict verdict;

static void on_ready(Worker *worker, const char *message, void *userdata)
{
    readies++;
    ready_worker = worker;
    g_free(ready_message);
    ready_message = g_strdup(message);
}

static void on_answer(const WorkerAnswer *answer, void *userdata)
{
    answers++;
    verdict = answer->verdict;
    g_free(live);
    live = g_strdup(answer->live);
}

static void setup(void)
{
    readies = answers = 0;
    event = loop_new();
    private_bus_start(&private);
    mock_systemd_start(&mock, &private, event);
    mock.late = true;
    bus = private_bus_connect(&private, event, NULL);
    ck_assert_int_eq(launcher_new_systemd(event, bus, &launcher), 0);
    pool = worker_pool_new(event, launcher);
}

static void teardown(void)
{
    pool = worker_pool_free(pool);
    launcher = launcher_free(launcher);
    bus = sd_bus_flush_close_unref(bus);
    mock_systemd_stop(&mock);
    private_bus_stop(&private);
    event = sd_event_unref(event);
    g_clear_pointer(&ready_message, g_free);
    g_clear_pointer(&live, g_free);
}

/* Until systemd has got so many calls that it has not answered. */
static void until_asked(unsigned n)
{
    while (mock.unanswered->len < n)
        ck_assert_msg(sd_event_run(event, LOOP_DEADLINE_USEC) > 0, "no worker was asked for: %s",
                      mock.calls->str);
}

static WorkerRequest *request(void)
{
    WorkerRequest *request;

    unsigned before = mock.unanswered->len;
    ck_assert_int_eq(worker_request(pool, on_ready, NULL, &request), 0);
    until_asked(before + 1);
    return request;
}

static void on_stranger(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
}

/* The instance that was asked for last. The caller frees it. */
static char *last_instance(void)
{
    const char *unit = g_strrstr(mock.calls->str, "StartUnit usher-bind@") + strlen("StartUnit usher-bind@");

    return g_strndup(unit, strcspn(unit, "."));
}

/* The worker of that instance comes; its end. */
static int come(const char *instance)
{
    Channel *channel;
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(channel_new(event, ends[0], on_stranger, NULL, &channel), 0);
    launcher_connected(launcher, LAUNCHER_BIND, instance);
    worker_pool_adopt(pool, instance, channel);
    return ends[1];
}

static int come_last(void)
{
    g_autofree char *instance = last_instance();

    return come(instance);
}

static void say(int end, const char *const *words)
{
    ck_assert_int_eq(channel_send_blocking(end, words, NULL, 0), 0);
}

/* It takes a step and answers it. */
static void take_step(int end)
{
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    g_auto(GStrv) words = NULL;
    unsigned n_fds;
    int before = answers;

    ck_assert_int_eq(worker_step(ready_worker, step, -1, on_answer, NULL), 0);
    ck_assert_int_eq(channel_receive_blocking(end, &words, NULL, 0, &n_fds), 0);
    say(end, (const char *const[]){"done", "=", NULL});
    loop_until_count(event, &answers, before + 1);
    ck_assert_int_eq(verdict, WORKER_DONE);
}

static void on_outwaited(int error, const char *message, void *userdata)
{
    ck_assert_int_eq(error, -ETIMEDOUT);
    ++*(int *)userdata;
}

/* Waits until all calls under way have run into their deadline: this one was made after them, and is not
 * answered either. */
static void outwait(void)
{
    int n = 0;

    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_BIND, "0", on_outwaited, &n), 0);
    loop_until_count(event, &n, 1);
}

static int on_counted(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    ++*(int *)userdata;
    return 0;
}

/* Waits until both have heard everything that was sent before: the answer to this call comes after it. */
static void settle(void)
{
    int n = 0;

    ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, "org.freedesktop.systemd1", MOCK_ROOT,
                                              "org.freedesktop.systemd1.Manager", "ResetFailedUnit",
                                              on_counted, &n, "s", "any"),
                     0);
    loop_until_count(event, &n, 1);
    loop_settle(event);
}

START_TEST(a_worker_that_comes_before_its_start_is_answered_works)
{
    for (unsigned times = 1; times <= 2; times++) {
        setup();
        request();
        _cleanup_close_ int end = come_last();
        loop_until_count(event, &readies, 1);
        mock_systemd_answer(&mock, times);
        settle();
        take_step(end);
        teardown();
    }
}
END_TEST

START_TEST(a_worker_that_is_here_outlives_a_start_that_is_said_to_have_failed)
{
    setup();
    request();
    _cleanup_close_ int end = come_last();
    loop_until_count(event, &readies, 1);
    mock.refusal = "it timed out";
    mock_systemd_answer(&mock, 2);
    settle();
    take_step(end);
    ck_assert_int_eq(readies, 1);
    teardown();
}
END_TEST

START_TEST(a_worker_that_is_here_outlives_a_start_that_is_never_answered)
{
    /* Held by a job, between jobs, and while a step is under way. */
    for (unsigned phase = 0; phase < 3; phase++) {
        g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
        setup();
        ck_assert_int_ge(sd_bus_set_method_call_timeout(bus, PATIENCE_USEC), 0);
        request();
        _cleanup_close_ int end = come_last();
        loop_until_count(event, &readies, 1);
        if (phase == 1)
            worker_release(ready_worker);
        if (phase == 2)
            ck_assert_int_eq(worker_step(ready_worker, step, -1, on_answer, NULL), 0);
        outwait();
        if (phase == 1) {
            ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
            loop_until_count(event, &readies, 2);
        }
        if (phase == 2) {
            say(end, (const char *const[]){"done", "=", NULL});
            loop_until_count(event, &answers, 1);
            ck_assert_int_eq(verdict, WORKER_DONE);
        } else {
            take_step(end);
        }
        teardown();
    }
}
END_TEST

/* Somebody's 6,000 calls are before ours. */
START_TEST(a_crowd_of_calls_before_the_start_does_no_harm)
{
    int served = 0;

    setup();
    ck_assert_int_ge(sd_bus_set_method_call_timeout(bus, PATIENCE_USEC), 0);
    sd_bus *crowd = private_bus_connect(&private, event, NULL);
    request();
    for (unsigned i = 0; i < 6000; i++)
        ck_assert_int_ge(sd_bus_call_method_async(crowd, NULL, "org.freedesktop.systemd1", MOCK_ROOT,
                                                  "org.freedesktop.systemd1.Manager", "ResetFailedUnit",
                                                  on_counted, &served, "s", "any"),
                         0);
    g_autofree char *instance = last_instance();
    _cleanup_close_ int end = come(instance);
    loop_until_count(event, &readies, 1);
    loop_until_count(event, &served, 6000);
    mock_systemd_answer(&mock, 1);
    outwait();
    take_step(end);
    sd_bus_flush_close_unref(crowd);
    teardown();
}
END_TEST

START_TEST(a_start_that_is_never_answered_and_a_worker_that_never_comes_is_told_once)
{
    setup();
    ck_assert_int_ge(sd_bus_set_method_call_timeout(bus, PATIENCE_USEC), 0);
    request();
    g_autofree char *instance = last_instance();
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_null(ready_worker);
    ck_assert_msg(strstr(ready_message, "systemd did not start usher-bind@"), "%s", ready_message);
    /* It comes after all: nobody waits for it. */
    mock_systemd_answer(&mock, 1);
    _cleanup_close_ int end = come(instance);
    g_auto(GStrv) words = NULL;
    unsigned n_fds;
    settle();
    ck_assert_int_eq(channel_receive_blocking(end, &words, NULL, 0, &n_fds), -ECONNRESET);
    ck_assert_int_eq(readies, 1);
    teardown();
}
END_TEST

START_TEST(an_answer_after_the_request_was_taken_back_or_the_pool_is_gone_goes_nowhere)
{
    for (unsigned gone = 0; gone < 2; gone++) {
        setup();
        WorkerRequest *mine = request();
        if (gone)
            pool = worker_pool_free(pool);
        else
            worker_request_cancel(mine);
        mock.refusal = "no";
        mock_systemd_answer(&mock, 2);
        settle();
        ck_assert_int_eq(readies, 0);
        teardown();
    }
}
END_TEST

/* Words that nobody asked for, or a second answer, must not pass for the answer to the next question. */
START_TEST(a_worker_that_answers_twice_is_lost)
{
    setup();
    request();
    _cleanup_close_ int end = come_last();
    loop_until_count(event, &readies, 1);
    take_step(end);
    say(end, (const char *const[]){"done", "=", NULL});
    loop_settle(event);
    g_autoptr(Step) step = step_new(STEP_DRIVER, "0000:01:00.0", "radeon", "");
    ck_assert_int_eq(worker_step(ready_worker, step, -1, on_answer, NULL), -ENOTCONN);
    worker_release(ready_worker);
    ck_assert_int_eq(answers, 1);
    teardown();
}
END_TEST

/* A module came while the worker was on its way: it knows nothing of the module's devices, so the waiting job
 * gets another worker. */
START_TEST(who_waits_for_a_worker_that_is_outdated_gets_another)
{
    setup();
    request();
    worker_pool_renew(pool);
    _cleanup_close_ int old = come_last();
    until_asked(2);
    ck_assert_int_eq(readies, 0);
    _cleanup_close_ int end = come_last();
    loop_until_count(event, &readies, 1);
    ck_assert_ptr_nonnull(ready_worker);
    take_step(end);
    teardown();
}
END_TEST

SUITE("worker-late", a_worker_that_comes_before_its_start_is_answered_works,
      a_worker_that_is_here_outlives_a_start_that_is_said_to_have_failed,
      a_worker_that_is_here_outlives_a_start_that_is_never_answered,
      a_crowd_of_calls_before_the_start_does_no_harm,
      a_start_that_is_never_answered_and_a_worker_that_never_comes_is_told_once,
      an_answer_after_the_request_was_taken_back_or_the_pool_is_gone_goes_nowhere,
      a_worker_that_answers_twice_is_lost, who_waits_for_a_worker_that_is_outdated_gets_another)
