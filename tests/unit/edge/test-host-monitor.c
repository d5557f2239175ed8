/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libudev's monitor is replaced at link time (--wrap): messages come from a queue, and a counter
 * that can be polled says that there are some. */
#include <errno.h>
#include <glib.h>
#include <libudev.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../../daemon/edge/scan/host-monitor.h"
#include "../suite.h"

/* A message, or an error of the socket. */
typedef struct Message {
    const char *action, *address;
    int error;
} Message;

static struct {
    int fd;
    GQueue messages;
    unsigned devices; /* alive */
} netlink;

int __wrap_udev_monitor_get_fd(struct udev_monitor *monitor);
struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor);
const char *__wrap_udev_device_get_action(struct udev_device *device);
const char *__wrap_udev_device_get_sysname(struct udev_device *device);
struct udev_device *__wrap_udev_device_unref(struct udev_device *device);

int __wrap_udev_monitor_get_fd(struct udev_monitor *monitor)
{
    return netlink.fd;
}

struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor)
{
    Message *message = g_queue_pop_head(&netlink.messages);
    eventfd_t one;
    if (message)
        ck_assert_int_eq(eventfd_read(netlink.fd, &one), 0);
    int error = message ? message->error : EAGAIN;
    if (error) {
        g_free(message);
        errno = error;
        return NULL;
    }
    netlink.devices++;
    return (struct udev_device *)message;
}

const char *__wrap_udev_device_get_action(struct udev_device *device)
{
    return ((Message *)device)->action;
}

const char *__wrap_udev_device_get_sysname(struct udev_device *device)
{
    return ((Message *)device)->address;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *device)
{
    netlink.devices--;
    g_free(device);
    return NULL;
}

static void comes(const char *action, const char *address, int error)
{
    Message *message = g_new(Message, 1);
    *message = (Message){action, address, error};
    g_queue_push_tail(&netlink.messages, message);
    ck_assert_int_eq(eventfd_write(netlink.fd, 1), 0);
}

typedef struct Told {
    GString *text;
    HostMonitor *free_at_once;
} Told;

static void on_change(const char *action, const char *address, void *userdata)
{
    Told *told = userdata;
    g_string_append_printf(told->text, "%s %s\n", action, address);
    told->free_at_once = host_monitor_free(told->free_at_once);
}

static sd_event *event;

static void setup(void)
{
    ck_assert_int_eq(sd_event_new(&event), 0);
    netlink.fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    ck_assert_int_ge(netlink.fd, 0);
    g_queue_init(&netlink.messages);
}

static void teardown(void)
{
    event = sd_event_unref(event);
    close(netlink.fd);
    g_queue_clear_full(&netlink.messages, g_free);
    ck_assert_uint_eq(netlink.devices, 0);
}

static void run_until_idle(void)
{
    int r;
    while ((r = sd_event_run(event, 0)) > 0)
        ;
    ck_assert_int_eq(r, 0);
}

/* What is told of the messages that have come. */
static void assert_told(const char *expected)
{
    Told told = {.text = g_string_new(NULL)};
    HostMonitor *monitor = NULL;
    ck_assert_int_eq(host_monitor_new(event, on_change, &told, &monitor), 0);
    run_until_idle();
    host_monitor_free(monitor);
    ck_assert_str_eq(told.text->str, expected);
    g_string_free(told.text, TRUE);
}

START_TEST(each_message_is_told_in_order)
{
    comes("unbind", "0000:01:00.0", 0);
    comes("remove", "0000:01:00.1", 0);
    comes("add", "0000:02:00.0", 0);
    comes("bind", "0000:01:00.0", 0);
    assert_told("unbind 0000:01:00.0\nremove 0000:01:00.1\nadd 0000:02:00.0\nbind 0000:01:00.0\n");
}
END_TEST

START_TEST(lost_messages_ask_for_a_look_at_everything_and_others_go_on)
{
    comes("add", "0000:01:00.0", 0);
    comes(NULL, NULL, ENOBUFS);
    comes("add", "0000:03:00.0", 0);
    assert_told("add 0000:01:00.0\nchange \nadd 0000:03:00.0\n");
}
END_TEST

START_TEST(what_is_no_message_is_passed_over)
{
    comes(NULL, "0000:01:00.0", 0);
    comes("add", NULL, 0);
    comes("add", "0000:02:00.0", 0);
    assert_told("add 0000:02:00.0\n");
}
END_TEST

START_TEST(a_flood_is_taken_in_parts_and_nothing_of_it_is_lost)
{
    Told told = {.text = g_string_new(NULL)};
    HostMonitor *monitor = NULL;
    for (unsigned i = 0; i < 1000; i++)
        comes("change", "0000:01:00.0", 0);
    ck_assert_int_eq(host_monitor_new(event, on_change, &told, &monitor), 0);
    ck_assert_int_gt(sd_event_run(event, 0), 0);
    ck_assert_uint_gt(g_queue_get_length(&netlink.messages), 500);
    run_until_idle();
    ck_assert_uint_eq(told.text->len, 1000 * strlen("change 0000:01:00.0\n"));
    host_monitor_free(monitor);
    g_string_free(told.text, TRUE);
}
END_TEST

START_TEST(the_monitor_may_go_from_within)
{
    Told told = {.text = g_string_new(NULL)};
    ck_assert_int_eq(host_monitor_new(event, on_change, &told, &told.free_at_once), 0);
    comes("add", "0000:01:00.0", 0);
    comes("add", "0000:02:00.0", 0);
    run_until_idle();
    ck_assert_str_eq(told.text->str, "add 0000:01:00.0\n");

    g_string_truncate(told.text, 0);
    g_queue_clear_full(&netlink.messages, g_free);
    comes(NULL, NULL, ENOBUFS);
    ck_assert_int_eq(host_monitor_new(event, on_change, &told, &told.free_at_once), 0);
    run_until_idle();
    ck_assert_str_eq(told.text->str, "change \n");
    g_string_free(told.text, TRUE);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    ck_assert_ptr_null(host_monitor_free(NULL));
}
END_TEST

SUITE_WITH("host-monitor", setup, teardown, each_message_is_told_in_order,
           lost_messages_ask_for_a_look_at_everything_and_others_go_on, what_is_no_message_is_passed_over,
           a_flood_is_taken_in_parts_and_nothing_of_it_is_lost, the_monitor_may_go_from_within,
           freeing_nothing_is_fine)
