/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/scan/udev-settle.h"
#include "../suite.h"

static char folder[] = "/tmp/usher-test-udev-XXXXXX";
static char *queue;
static sd_event *event;
static UdevSettle *settle;
static unsigned settled;

static void setup(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    queue = g_build_filename(folder, "queue", NULL);
    ck_assert_int_ge(sd_event_new(&event), 0);
    settled = 0;
}

static void teardown(void)
{
    settle = udev_settle_free(settle);
    sd_event_unref(event);
    unlink(queue);
    rmdir(folder);
    g_free(queue);
}

static void on_settled(void *userdata)
{
    settled++;
    ck_assert_ptr_eq(userdata, folder);
}

static void make_queue(void)
{
    close_fd(open(queue, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void begin(uint64_t timeout_usec)
{
    ck_assert_int_eq(udev_settle_new(event, folder, timeout_usec, on_settled, folder, &settle), 0);
    ck_assert_uint_eq(settled, 0);
}

START_TEST(an_empty_queue_is_settled_at_once)
{
    begin(G_USEC_PER_SEC);
    ck_assert_int_gt(sd_event_run(event, 0), 0);
    ck_assert_uint_eq(settled, 1);
}
END_TEST

START_TEST(a_host_without_udev_has_nothing_to_wait_for)
{
    ck_assert_int_eq(udev_settle_new(event, "/nowhere/udev", G_USEC_PER_SEC, on_settled, folder, &settle), 0);
    ck_assert_int_gt(sd_event_run(event, 0), 0);
    ck_assert_uint_eq(settled, 1);
}
END_TEST

START_TEST(a_busy_queue_is_waited_for_until_it_is_gone)
{
    make_queue();
    begin(60 * G_USEC_PER_SEC);
    ck_assert_int_eq(sd_event_run(event, 0), 0);
    ck_assert_uint_eq(settled, 0);
    unlink(queue);
    ck_assert_int_gt(sd_event_run(event, G_USEC_PER_SEC), 0);
    ck_assert_uint_eq(settled, 1);
    ck_assert_int_eq(sd_event_run(event, 0), 0);
}
END_TEST

START_TEST(a_queue_that_never_empties_is_not_waited_for_for_ever)
{
    make_queue();
    begin(1000);
    ck_assert_int_gt(sd_event_run(event, 10 * G_USEC_PER_SEC), 0);
    ck_assert_uint_eq(settled, 1);
}
END_TEST

START_TEST(nothing_is_called_once_it_was_freed)
{
    make_queue();
    begin(1000);
    settle = udev_settle_free(settle);
    unlink(queue);
    ck_assert_int_eq(sd_event_run(event, 10000), 0);
    ck_assert_uint_eq(settled, 0);
}
END_TEST

SUITE_WITH("udev-settle", setup, teardown, an_empty_queue_is_settled_at_once,
           a_host_without_udev_has_nothing_to_wait_for, a_busy_queue_is_waited_for_until_it_is_gone,
           a_queue_that_never_empties_is_not_waited_for_for_ever, nothing_is_called_once_it_was_freed)
