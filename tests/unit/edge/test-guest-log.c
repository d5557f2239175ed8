/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/qemu/guest-log.h"
#include "../scratch.h"
#include "../suite.h"
#include "loop.h"

/* A log in a folder of its own, and the lines that were told. */
typedef struct Book {
    sd_event *event;
    char *dir;
    int dir_fd;
    GString *told;
    GuestLog *log;
} Book;

static Book book;

static void on_line(const char *line, void *userdata)
{
    ck_assert_ptr_eq(userdata, &book);
    ck_assert(g_utf8_validate(line, -1, NULL));
    g_string_append_printf(book.told, "<%s>", line);
}

static void open_log(uint32_t limit, bool words, GuestLogLine line)
{
    const GuestLogPlace place = {book.dir_fd, "a.pipe", book.dir_fd, "a.log", limit, words};
    ck_assert_int_eq(guest_log_open(book.event, &place, line, &book, &book.log), 0);
}

static void setup(void)
{
    book = (Book){.event = loop_new(), .dir = scratch_new("log"), .told = g_string_new(NULL)};
    book.dir_fd = open(book.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
    book.log = guest_log_close(book.log);
    ck_assert_ptr_null(book.log);
    close_fd(book.dir_fd);
    sd_event_unref(book.event);
    scratch_remove(book.dir);
    g_free(book.dir);
    g_string_free(book.told, TRUE);
}

/* Descriptors of the writer's own, as QEMU has after a restart of the daemon. */
static int writer(void)
{
    int fd = fcntl(guest_log_fd(book.log), F_DUPFD_CLOEXEC, 3);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void until_read(int fd)
{
    int left = 1;

    while (ioctl(fd, FIONREAD, &left) == 0 && left > 0)
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
}

static void write_log(const char *text, size_t size)
{
    int fd = guest_log_fd(book.log);

    while (size > 0) {
        ssize_t n = write(fd, text, size);
        ck_assert_int_gt(n, 0);
        until_read(fd);
        text += n;
        size -= n;
    }
}

static size_t size_of(const char *name)
{
    struct stat st;
    return fstatat(book.dir_fd, name, &st, 0) == 0 ? st.st_size : 0;
}

#define WRITE(text) write_log(text, sizeof(text) - 1)

static char *read_back(const char *name)
{
    g_autofree char *path = g_build_filename(book.dir, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void assert_told(const char *lines)
{
    ck_assert_str_eq(book.told->str, lines);
    g_string_truncate(book.told, 0);
}

START_TEST(whole_lines_are_told_as_they_come)
{
    open_log(1000, true, on_line);
    WRITE("one\ntwo");
    assert_told("<one>");
    WRITE(" more\r\n\nthree\n");
    assert_told("<two more><><three>");
}
END_TEST

START_TEST(what_was_there_before_is_kept_but_not_told)
{
    open_log(1000, true, on_line);
    WRITE("old\n");
    guest_log_close(book.log);
    assert_told("<old>");
    open_log(1000, true, on_line);
    WRITE("new\n");
    assert_told("<new>");
    g_autofree char *text = read_back("a.log");
    ck_assert_str_eq(text, "old\nnew\n");
}
END_TEST

START_TEST(words_that_come_while_no_daemon_runs_are_told_by_the_next)
{
    open_log(1000, true, on_line);
    _cleanup_close_ int fd = writer();
    guest_log_close(book.log);
    ck_assert_int_eq(write(fd, "meanwhile\n", 10), 10);
    open_log(1000, true, on_line);
    until_read(fd);
    assert_told("<meanwhile>");
}
END_TEST

START_TEST(a_program_that_complains_is_not_stopped_while_no_daemon_runs)
{
    char block[4096] = {0};
    ssize_t n, total = 0;
    open_log(1000, true, on_line);
    _cleanup_close_ int fd = writer();
    guest_log_close(book.log);
    while ((n = write(fd, block, sizeof(block))) > 0)
        total += n;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_le(total, 1 << 20);
    open_log(1000, true, on_line);
}
END_TEST

/* A console's writer may wait in write(2) while a daemon runs, but not stand still for ever without one. */
START_TEST(a_console_goes_on_while_no_daemon_runs_and_with_the_next)
{
    signal(SIGPIPE, SIG_IGN);
    open_log(1000, true, NULL);
    guest_log_close(book.log);
    open_log(1000, false, NULL);
    _cleanup_close_ int fd = writer();
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    guest_log_close(book.log);
    ck_assert_int_eq(write(fd, "lost\n", 5), -1);
    ck_assert_int_eq(errno, EPIPE);
    open_log(1000, false, NULL);
    ck_assert_int_eq(write(fd, "kept\n", 5), 5);
    until_read(fd);
    g_autofree char *text = read_back("a.log");
    ck_assert_str_eq(text, "kept\n");
}
END_TEST

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
} Flood;

static int on_flood(sd_event_source *source, void *userdata)
{
    Flood *flood = userdata;
    ssize_t n;

    while ((n = write(flood->fd, flood->block, sizeof(flood->block))) > 0)
        flood->written += n;
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
    /* While another source is always ready, as a bus with many callers is, nothing is read. */
    ck_assert_int_ge(sd_event_add_defer(book.event, &other, on_other, &turns), 0);
    ck_assert_int_ge(sd_event_source_set_enabled(other, SD_EVENT_ON), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
    ck_assert_int_eq(turns, 1000);
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

START_TEST(what_a_writer_said_before_it_ended_is_there_at_once)
{
    open_log(1000000, true, on_line);
    g_autofree char *fill = g_strnfill(200000, 'x');
    ck_assert_int_eq(write(guest_log_fd(book.log), fill, 200000), 200000);
    ck_assert_int_eq(write(guest_log_fd(book.log), "\nwhy\n", 5), 5);
    guest_log_catch_up(book.log);
    ck_assert(g_str_has_suffix(book.told->str, "<why>"));
}
END_TEST

START_TEST(a_line_without_end_is_told_in_parts)
{
    g_autofree char *fill = g_strnfill(GUEST_LOG_LINE_MAX, 'x');
    g_autofree char *parts = g_strdup_printf("<%s><yz>", fill);

    open_log(100000, true, on_line);
    write_log(fill, strlen(fill));
    assert_told("");
    WRITE("yz\n");
    assert_told(parts);
    write_log(fill, strlen(fill));
    WRITE("\n");
    parts[GUEST_LOG_LINE_MAX + 2] = '\0';
    assert_told(parts);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_told_as_text)
{
    open_log(1000, true, on_line);
    WRITE("a\xff"
          "b\0c\n");
    assert_told("<a\uFFFDb\uFFFDc>");
    WRITE("one\rguest other: stopped\x1b[2J\u202e\n");
    assert_told("<one\\x0dguest other: stopped\\x1b[2J\\u202e>");
}
END_TEST

START_TEST(a_cleared_log_begins_anew)
{
    open_log(1000, true, on_line);
    WRITE("one\nhal");
    ck_assert_int_eq(guest_log_clear(book.log), 0);
    WRITE("two\n");
    assert_told("<one><two>");
    g_autofree char *text = read_back("a.log");
    ck_assert_str_eq(text, "two\n");
}
END_TEST

START_TEST(a_run_begins_with_a_line_of_its_own_that_is_not_told)
{
    open_log(1000, true, on_line);
    guest_log_begin(book.log);
    WRITE("one\ntw");
    guest_log_begin(book.log);
    WRITE("three\n");
    g_autofree char *text = read_back("a.log");
    ck_assert_msg(g_regex_match_simple("^-- Started \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d --\none\ntw\n"
                                       "-- Started [^\n]* --\nthree\n$",
                                       text, 0, 0),
                  "%s", text);
    assert_told("<one><three>");
}
END_TEST

START_TEST(a_log_that_somebody_else_emptied_is_followed)
{
    g_autofree char *path = NULL;
    open_log(1000, true, on_line);
    WRITE("a long line\n");
    path = g_build_filename(book.dir, "a.log", NULL);
    ck_assert_int_eq(truncate(path, 0), 0);
    WRITE("new\n");
    assert_told("<a long line><new>");
}
END_TEST

static void assert_tail(size_t max, const char *text)
{
    g_autofree char *tail = guest_log_tail(book.log, max);
    ck_assert_str_eq(tail, text);
}

START_TEST(the_tail_begins_with_a_line)
{
    open_log(1000, true, NULL);
    assert_tail(100, "");
    WRITE("one\ntwo\nthree");
    assert_tail(100, "one\ntwo\nthree");
    assert_tail(13, "one\ntwo\nthree");
    assert_tail(12, "two\nthree");
    assert_tail(9, "two\nthree");
    assert_tail(8, "three");
    assert_tail(5, "three");
    assert_tail(4, "hree");
    WRITE("\xff\n");
    assert_tail(7, "three\uFFFD\n");
}
END_TEST

START_TEST(the_tail_reaches_into_what_was_set_aside)
{
    open_log(10, true, NULL);
    WRITE("one\ntwo\n");
    WRITE("three\n");
    assert_tail(100, "one\ntwo\nthree\n");
    assert_tail(10, "two\nthree\n");
    ck_assert_int_eq(guest_log_clear(book.log), 0);
    assert_tail(100, "");
}
END_TEST

START_TEST(a_log_that_was_removed_is_made_anew)
{
    open_log(1000, true, NULL);
    WRITE("one\n");
    ck_assert_int_eq(unlinkat(book.dir_fd, "a.log", 0), 0);
    WRITE("two\n");
    g_autofree char *text = read_back("a.log");
    ck_assert_str_eq(text, "two\n");
}
END_TEST

static int try_open(int dir_fd, const char *pipe, const char *name)
{
    const GuestLogPlace place = {dir_fd, pipe, dir_fd, name, 1000};
    GuestLog *log = NULL;
    int r = guest_log_open(book.event, &place, NULL, NULL, &log);
    ck_assert_ptr_null(log);
    return r;
}

START_TEST(a_log_is_private_and_follows_no_link)
{
    struct stat st;
    open_log(1000, true, NULL);
    ck_assert_int_eq(fstatat(book.dir_fd, "a.log", &st, 0), 0);
    ck_assert_uint_eq(st.st_mode & 07777 & ~0640, 0);
    ck_assert_int_eq(fstatat(book.dir_fd, "a.pipe", &st, 0), 0);
    ck_assert_uint_eq(st.st_mode & 07777 & ~0600, 0);
    ck_assert_int_eq(fcntl(guest_log_fd(book.log), F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(symlinkat("/etc/passwd", book.dir_fd, "b.log"), 0);
    ck_assert_int_eq(symlinkat("a.pipe", book.dir_fd, "b.pipe"), 0);
    ck_assert_int_eq(try_open(book.dir_fd, "c.pipe", "b.log"), -ELOOP);
    ck_assert_int_eq(try_open(book.dir_fd, "b.pipe", "c.log"), -ELOOP);
    /* A log in the place of a pipe is refused, and the other way round. */
    ck_assert_int_eq(try_open(book.dir_fd, "a.log", "c.log"), -EEXIST);
    ck_assert_int_eq(try_open(book.dir_fd, "d.pipe", "a.pipe"), -EINVAL);
    ck_assert_int_eq(try_open(-1, "c.pipe", "c.log"), -EBADF);
}
END_TEST

SUITE_WITH("guest-log", setup, teardown, whole_lines_are_told_as_they_come,
           what_was_there_before_is_kept_but_not_told,
           words_that_come_while_no_daemon_runs_are_told_by_the_next,
           a_program_that_complains_is_not_stopped_while_no_daemon_runs,
           a_console_goes_on_while_no_daemon_runs_and_with_the_next,
           a_log_past_its_limit_is_set_aside_and_begins_anew, a_log_that_nobody_is_told_of_is_bounded_too,
           of_a_burst_the_first_lines_are_told_and_how_many_more_there_were,
           a_flood_neither_grows_the_files_nor_keeps_others_waiting, a_flood_of_empty_lines_does_not_either,
           what_a_writer_said_before_it_ended_is_there_at_once, a_line_without_end_is_told_in_parts,
           bytes_that_are_no_text_are_told_as_text, a_cleared_log_begins_anew,
           a_run_begins_with_a_line_of_its_own_that_is_not_told, a_log_that_somebody_else_emptied_is_followed,
           the_tail_begins_with_a_line, the_tail_reaches_into_what_was_set_aside,
           a_log_that_was_removed_is_made_anew, a_log_is_private_and_follows_no_link)
