/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../../daemon/edge/store/step-mark.h"
#include "../scratch.h"
#include "../suite.h"
#include "loop.h"

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"

static char *folder;
static int dir_fd;
static sd_event *event;
static int freed_count;
static char *freed_last;

static void setup(void)
{
    folder = scratch_new("step-mark");
    dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    event = loop_new();
    freed_count = 0;
}

static void teardown(void)
{
    sd_event_unref(event);
    close(dir_fd);
    scratch_remove(folder);
    g_free(folder);
    g_clear_pointer(&freed_last, g_free);
}

static void on_freed(const char *address, void *userdata)
{
    freed_count++;
    g_free(freed_last);
    freed_last = g_strdup(address);
}

static StepMarks *find(unsigned expected)
{
    StepMarks *marks = NULL;

    ck_assert_int_eq(step_marks_find(event, dir_fd, on_freed, NULL, &marks), 0);
    g_autoptr(GPtrArray) addresses = step_marks_list(marks);
    ck_assert_uint_eq(addresses->len, expected);
    return marks;
}

START_TEST(a_mark_that_is_held_is_found_by_another_and_one_that_is_not_is_swept)
{
    int held = step_mark_take(dir_fd, GPU), left = step_mark_take(dir_fd, AUDIO);
    ck_assert_int_ge(held, 0);
    ck_assert_int_ge(left, 0);
    close(left);

    StepMarks *marks = find(1);
    g_autoptr(GPtrArray) addresses = step_marks_list(marks);
    ck_assert_str_eq(g_ptr_array_index(addresses, 0), GPU);
    ck_assert_int_eq(faccessat(dir_fd, AUDIO, F_OK, 0), -1);
    step_marks_free(marks);
    close(held);
}
END_TEST

START_TEST(two_steps_on_one_device_are_not_marked_at_once)
{
    int held = step_mark_take(dir_fd, GPU);
    ck_assert_int_eq(step_mark_take(dir_fd, GPU), -EWOULDBLOCK);
    step_mark_remove(dir_fd, GPU);
    int next = step_mark_take(dir_fd, GPU);
    ck_assert_int_ge(next, 0);
    close(next);
    close(held);
}
END_TEST

START_TEST(when_the_holder_lets_go_it_is_told_once_and_the_mark_is_gone)
{
    int held = step_mark_take(dir_fd, GPU), other = step_mark_take(dir_fd, AUDIO);
    /* As it is while it is handed over: two processes have it, and both must let go. */
    int copy = fcntl(held, F_DUPFD_CLOEXEC, 3);
    StepMarks *marks = find(2);

    close(held);
    loop_settle(event);
    ck_assert_int_eq(freed_count, 0);
    close(copy);
    loop_until_count(event, &freed_count, 1);
    ck_assert_str_eq(freed_last, GPU);
    ck_assert_int_eq(faccessat(dir_fd, GPU, F_OK, 0), -1);
    close(other);
    loop_until_count(event, &freed_count, 2);
    ck_assert_str_eq(freed_last, AUDIO);
    step_marks_free(marks);
}
END_TEST

START_TEST(what_is_no_device_is_no_mark)
{
    int fd = openat(dir_fd, "notes", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    StepMarks *marks = find(0);

    step_marks_free(marks);
    ck_assert_ptr_null(step_marks_free(NULL));
    close(fd);
}
END_TEST

SUITE_WITH("step-mark", setup, teardown, a_mark_that_is_held_is_found_by_another_and_one_that_is_not_is_swept,
           two_steps_on_one_device_are_not_marked_at_once,
           when_the_holder_lets_go_it_is_told_once_and_the_mark_is_gone, what_is_no_device_is_no_mark)
