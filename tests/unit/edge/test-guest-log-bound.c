/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs past their limit, bursts and floods. */
#include <string.h>
#include <sys/stat.h>

#include "log-book.h"

static size_t size_of(const char *name)
{
    struct stat st;
    return fstatat(book.dir_fd, name, &st, 0) == 0 ? st.st_size : 0;
}

START_TEST(a_log_past_its_limit_is_set_aside_and_begins_anew)
{
    open_log(20, true, on_line);
    WRITE("0123456789\n");
    WRITE("abcdefghij\n");
    WRITE("after\n");
    assert_told("<0123456789><abcdefghij><after>");
    g_autofree char *now = read_back("a.log"), *before = read_back("a.log.1");
    ck_assert_str_eq(now, "abcdefghij\nafter\n");
    ck_assert_str_eq(before, "0123456789\n");
}
END_TEST

START_TEST(a_log_that_nobody_is_told_of_is_bounded_too)
{
    open_log(100, true, NULL);
    for (int i = 0; i < 100; i++) {
        WRITE("a line of twenty-one\n");
        ck_assert_uint_le(size_of("a.log"), 100);
        ck_assert_uint_le(size_of("a.log.1"), 100);
    }
}
END_TEST

START_TEST(of_a_burst_the_first_lines_are_told_and_how_many_more_there_were)
{
    g_autoptr(GString) burst = g_string_new(NULL);
    unsigned n = 0;

    open_log(100000, true, on_line);
    for (int i = 0; i < GUEST_LOG_LINES + 7; i++)
        g_string_append_printf(burst, "line %d\n", i);
    write_log(burst->str, burst->len);
    while (!strstr(book.told->str, "and 7 more lines in these 10 s>"))
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
    for (const char *c = book.told->str; *c; c++)
        n += *c == '<';
    ck_assert_uint_eq(n, GUEST_LOG_LINES + 1);
    g_string_truncate(book.told, 0);
    WRITE("again\n");
    assert_told("<again>");
}
END_TEST

/* Writes as much as the pipe takes, at each turn of the loop. */
typedef struct Flood {
    int fd;
    char block[64 * 1024];
    size_t written;
    int turns;
} Flood;

static int on_flood(sd_event_source *source, void *userdata)
{
    Flood *flood = userdata;
    ssize_t n;

    while ((n = write(flood->fd, flood->block, sizeof(flood->block))) > 0)
        flood->written += n;
    flood->turns++;
    return 0;
}

static int on_other(sd_event_source *source, void *userdata)
{
    int *turns = userdata;
    ++*turns;
    return 0;
}

static size_t whole_size(void)
{
    return size_of("a.log") + size_of("a.log.1");
}

static void flood_for_a_second(char fill)
{
    enum { LIMIT = 100 * 1000 };
    Flood flood = {};
    sd_event_source *writes = NULL, *other = NULL;
    int turns = 0;

    open_log(LIMIT, true, on_line);
    flood.fd = guest_log_fd(book.log);
    memset(flood.block, fill, sizeof(flood.block));
    gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC;
    ck_assert_int_ge(sd_event_add_post(book.event, &writes, on_flood, &flood), 0);
    on_flood(NULL, &flood);
    flood.turns = 0;
    /* While another source is always ready, as a bus with many callers is, nothing is read. From systemd 259
     * on it shares its turns with sources of the same priority (systemd's pull request 39608), so with the
     * one that writes. */
    ck_assert_int_ge(sd_event_add_defer(book.event, &other, on_other, &turns), 0);
    ck_assert_int_ge(sd_event_source_set_enabled(other, SD_EVENT_ON), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
    ck_assert_int_eq(turns + flood.turns, 1000);
    ck_assert_int_ge(turns, 500);
    ck_assert_uint_eq(whole_size(), 0);
    ck_assert_int_ge(sd_event_source_set_enabled(other, SD_EVENT_OFF), 0);
    while (g_get_monotonic_time() < until) {
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
        ck_assert_uint_le(size_of("a.log"), LIMIT);
        ck_assert_uint_le(size_of("a.log.1"), LIMIT);
    }
    ck_assert_uint_gt(whole_size(), LIMIT);
    ck_assert_uint_le(flood.written,
                      (1 << 20) + (size_t)GUEST_LOG_TURN * (G_USEC_PER_SEC / GUEST_LOG_REST_USEC + 1));
    ck_assert_uint_le(book.told->len, GUEST_LOG_LINES * (GUEST_LOG_LINE_MAX + 2));
    sd_event_source_unref(writes);
    sd_event_source_unref(other);
}

START_TEST(a_flood_neither_grows_the_files_nor_keeps_others_waiting)
{
    flood_for_a_second('x');
}
END_TEST

START_TEST(a_flood_of_empty_lines_does_not_either)
{
    flood_for_a_second('\n');
}
END_TEST

SUITE_WITH("guest-log-bound", setup, teardown, a_log_past_its_limit_is_set_aside_and_begins_anew,
           a_log_that_nobody_is_told_of_is_bounded_too,
           of_a_burst_the_first_lines_are_told_and_how_many_more_there_were,
           a_flood_neither_grows_the_files_nor_keeps_others_waiting, a_flood_of_empty_lines_does_not_either)
