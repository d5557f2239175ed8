/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With a mock of logind on a bus of the test's own: a real one needs a system, which the lab has. */
#include <fcntl.h>
#include <poll.h>

#include "../../../daemon/edge/host-services/sleep-watch.h"
#include "../suite.h"
#include "loop.h"
#include "private-bus.h"

#define LOGIN1 "org.freedesktop.login1"
#define LOGIN1_PATH "/org/freedesktop/login1"
#define LOGIN1_MANAGER LOGIN1 ".Manager"

/* Signatures and properties are those of org.freedesktop.login1(5). */
typedef struct MockLogin1 {
    sd_bus *bus;
    GString *calls; /* "Inhibit sleep usher WHY delay\n" … */
    GArray *pipes;  /* of int: the end of each lock that logind keeps */
    uint64_t delay_usec;
    int asleep;
    const char *refusal;
} MockLogin1;

static PrivateBus bus;
static sd_event *event;
static sd_bus *connection;
static MockLogin1 mock;
static SleepWatch *watch;
static int changes;

static int on_inhibit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *what, *who, *why, *mode;
    int ends[2];

    ck_assert_int_ge(sd_bus_message_read(message, "ssss", &what, &who, &why, &mode), 0);
    g_string_append_printf(mock.calls, "Inhibit %s %s %s %s\n", what, who, why, mode);
    if (mock.refusal)
        return sd_bus_error_set(error, "org.freedesktop.login1.OperationInProgress", mock.refusal);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    g_array_append_val(mock.pipes, ends[0]);
    int r = sd_bus_reply_method_return(message, "h", ends[1]);
    close(ends[1]);
    return r;
}

static int on_property(sd_bus *from, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    if (g_str_equal(property, "PreparingForSleep"))
        return sd_bus_message_append(reply, "b", mock.asleep);
    return sd_bus_message_append(reply, "t", mock.delay_usec);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("HoldoffTimeoutUSec", "t", on_property, 0, 0),
    SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", on_property, 0, 0),
    SD_BUS_PROPERTY("PreparingForSleep", "b", on_property, 0, 0),
    SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
    SD_BUS_VTABLE_END,
};

static void logind_comes(void)
{
    mock.bus = private_bus_connect(&bus, event, NULL);
    ck_assert_int_ge(sd_bus_add_object_vtable(mock.bus, NULL, LOGIN1_PATH, LOGIN1_MANAGER, vtable, NULL), 0);
    ck_assert_int_ge(sd_bus_request_name(mock.bus, LOGIN1, 0), 0);
}

static void logind_goes(void)
{
    mock.bus = sd_bus_flush_close_unref(mock.bus);
}

static void prepare(bool asleep)
{
    ck_assert_int_ge(
        sd_bus_emit_signal(mock.bus, LOGIN1_PATH, LOGIN1_MANAGER, "PrepareForSleep", "b", asleep), 0);
}

static void on_changed(void *userdata)
{
    changes++;
}

static void setup(bool with_logind)
{
    private_bus_start(&bus);
    event = loop_new();
    mock = (MockLogin1){.calls = g_string_new(NULL), .pipes = g_array_new(FALSE, FALSE, sizeof(int))};
    mock.delay_usec = 5000000;
    changes = 0;
    if (with_logind)
        logind_comes();
    connection = private_bus_connect(&bus, event, NULL);
    ck_assert_int_ge(sleep_watch_new(connection, on_changed, NULL, &watch), 0);
    ck_assert_int_eq(sleep_host(watch), HOST_WAKE_UNKNOWN);
    loop_until_count(event, &changes, 1);
}

static void teardown(void)
{
    watch = sleep_watch_free(watch);
    connection = sd_bus_flush_close_unref(connection);
    if (mock.bus)
        logind_goes();
    for (unsigned i = 0; i < mock.pipes->len; i++)
        close(g_array_index(mock.pipes, int, i));
    g_array_free(mock.pipes, TRUE);
    g_string_free(mock.calls, TRUE);
    sd_event_unref(event);
    private_bus_stop(&bus);
}

/* A lock is held as long as its other end is open somewhere. */
static bool held(unsigned lock)
{
    struct pollfd poll_fd = {.fd = g_array_index(mock.pipes, int, lock)};

    return poll(&poll_fd, 1, 0) == 0;
}

/* The bus lets go of its copies a moment later than it passes them on. */
static void until_let_go(unsigned lock)
{
    struct pollfd poll_fd = {.fd = g_array_index(mock.pipes, int, lock)};

    while (poll(&poll_fd, 1, 10) == 0)
        sd_event_run(event, 0);
}

static void until_locks(unsigned wanted)
{
    while (mock.pipes->len < wanted)
        ck_assert_int_gt(sd_event_run(event, LOOP_DEADLINE_USEC), 0);
    loop_settle(event);
}

START_TEST(logind_says_how_long_it_waits_and_when_the_host_sleeps)
{
    setup(true);
    ck_assert_int_eq(sleep_host(watch), HOST_AWAKE);
    ck_assert_uint_eq(sleep_delay_usec(watch), 5000000);
    ck_assert_ptr_null(sleep_error(watch));
    prepare(true);
    loop_until_count(event, &changes, 2);
    ck_assert_int_eq(sleep_host(watch), HOST_FALLS_ASLEEP);
    prepare(false);
    loop_until_count(event, &changes, 3);
    ck_assert_int_eq(sleep_host(watch), HOST_AWAKE);
    teardown();
}
END_TEST

START_TEST(a_lock_is_held_until_it_is_let_go_of)
{
    setup(true);
    SleepLock *block = sleep_lock_take(watch, SLEEP_LOCK_BLOCK, "guest win10 owns 0000:01:00.0");
    SleepLock *delay =
        sleep_lock_take(watch, SLEEP_LOCK_DELAY, "guest router is paused before the host sleeps");
    until_locks(2);
    ck_assert_str_eq(mock.calls->str,
                     "Inhibit sleep:handle-lid-switch usher guest win10 owns 0000:01:00.0 block\n"
                     "Inhibit sleep usher guest router is paused before the host sleeps delay\n");
    ck_assert_int_eq(sleep_lock_mode(block), SLEEP_LOCK_BLOCK);
    ck_assert_str_eq(sleep_lock_why(delay), "guest router is paused before the host sleeps");
    ck_assert(held(0) && held(1));
    sleep_lock_free(block);
    until_let_go(0);
    ck_assert(held(1));
    sleep_lock_free(delay);
    until_let_go(1);
    ck_assert_ptr_null(sleep_lock_free(NULL));
    ck_assert_int_eq(sleep_lock_mode(NULL), SLEEP_LOCK_NONE);
    teardown();
}
END_TEST

START_TEST(a_lock_against_shutdown_lets_the_host_sleep)
{
    setup(true);
    SleepLock *lock = sleep_lock_take(watch, SLEEP_LOCK_SHUTDOWN, "guest win10 runs");
    until_locks(1);
    ck_assert_str_eq(mock.calls->str, "Inhibit shutdown usher guest win10 runs block\n");
    sleep_lock_free(lock);
    teardown();
}
END_TEST

START_TEST(a_lock_that_is_let_go_of_before_it_is_there_does_not_stay)
{
    setup(true);
    sleep_lock_free(sleep_lock_take(watch, SLEEP_LOCK_DELAY, "guest win10"));
    until_locks(1);
    until_let_go(0);
    teardown();
}
END_TEST

START_TEST(without_a_logind_the_host_is_awake_and_locks_wait_for_one)
{
    setup(false);
    ck_assert_int_eq(sleep_host(watch), HOST_AWAKE);
    ck_assert_uint_eq(sleep_delay_usec(watch), 0);
    ck_assert_ptr_nonnull(strstr(sleep_error(watch), LOGIN1));
    SleepLock *lock = sleep_lock_take(watch, SLEEP_LOCK_BLOCK, "guest win10");
    loop_settle(event);
    logind_comes();
    until_locks(1);
    ck_assert(held(0));
    ck_assert_ptr_null(sleep_error(watch));
    ck_assert_uint_eq(sleep_delay_usec(watch), 5000000);
    sleep_lock_free(lock);
    teardown();
}
END_TEST

START_TEST(a_lock_outlives_a_logind_that_is_restarted)
{
    setup(true);
    SleepLock *lock = sleep_lock_take(watch, SLEEP_LOCK_BLOCK, "guest win10");
    until_locks(1);
    logind_goes();
    mock.delay_usec = 90000000;
    int before = changes;
    logind_comes();
    loop_until_count(event, &changes, before + 1);
    loop_settle(event);
    ck_assert_uint_eq(sleep_delay_usec(watch), 90000000);
    ck_assert_msg(mock.pipes->len == 1, "it is not asked for again");
    ck_assert(held(0));
    sleep_lock_free(lock);
    teardown();
}
END_TEST

START_TEST(a_lock_that_is_refused_is_no_absent_logind)
{
    setup(true);
    mock.refusal = "The operation inhibition has been requested for is already running";
    SleepLock *lock = sleep_lock_take(watch, SLEEP_LOCK_DELAY, "guest win10");
    while (mock.calls->len == 0)
        ck_assert_int_gt(sd_event_run(event, LOOP_DEADLINE_USEC), 0);
    loop_settle(event);
    ck_assert_ptr_null(sleep_error(watch));
    sleep_lock_free(lock);
    teardown();
}
END_TEST

START_TEST(a_daemon_that_comes_up_while_the_host_falls_asleep_knows)
{
    setup(true);
    watch = sleep_watch_free(watch);
    mock.asleep = true;
    ck_assert_int_ge(sleep_watch_new(connection, on_changed, NULL, &watch), 0);
    loop_until_count(event, &changes, 2);
    ck_assert_int_eq(sleep_host(watch), HOST_FALLS_ASLEEP);
    teardown();
}
END_TEST

SUITE("sleep-watch", logind_says_how_long_it_waits_and_when_the_host_sleeps,
      a_lock_is_held_until_it_is_let_go_of, a_lock_against_shutdown_lets_the_host_sleep,
      a_lock_that_is_let_go_of_before_it_is_there_does_not_stay,
      without_a_logind_the_host_is_awake_and_locks_wait_for_one, a_lock_outlives_a_logind_that_is_restarted,
      a_lock_that_is_refused_is_no_absent_logind, a_daemon_that_comes_up_while_the_host_falls_asleep_knows)
