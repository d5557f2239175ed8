/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "log-book.h"

/* Descriptors of the writer's own, as QEMU has after a restart of the daemon. */
static int writer(void)
{
    int fd = fcntl(guest_log_fd(book.log), F_DUPFD_CLOEXEC, 3);
    ck_assert_int_ge(fd, 0);
    return fd;
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
           what_a_writer_said_before_it_ended_is_there_at_once, a_line_without_end_is_told_in_parts,
           bytes_that_are_no_text_are_told_as_text, a_cleared_log_begins_anew,
           a_run_begins_with_a_line_of_its_own_that_is_not_told, a_log_that_somebody_else_emptied_is_followed,
           the_tail_begins_with_a_line, the_tail_reaches_into_what_was_set_aside,
           a_log_that_was_removed_is_made_anew, a_log_is_private_and_follows_no_link)
