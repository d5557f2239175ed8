/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/guest-log.h"
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

static void on_line(const char *line, void *userdata)
{
    Book *book = userdata;
    ck_assert(g_utf8_validate(line, -1, NULL));
    g_string_append_printf(book->told, "<%s>", line);
}

static void book_open(Book *book, uint64_t limit, GuestLogLine line)
{
    *book = (Book){.event = loop_new(), .dir = scratch_new("log"), .told = g_string_new(NULL)};
    book->dir_fd = open(book->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(guest_log_open(book->event, book->dir_fd, "a.log", limit, line, book, &book->log), 0);
}

static void book_close(Book *book)
{
    ck_assert_ptr_null(guest_log_close(book->log));
    close_fd(book->dir_fd);
    sd_event_unref(book->event);
    scratch_remove(book->dir);
    g_free(book->dir);
    g_string_free(book->told, TRUE);
}

static void write_log(Book *book, const char *text, size_t size)
{
    ck_assert_int_eq(write(guest_log_fd(book->log), text, size), size);
    loop_settle(book->event);
}

#define WRITE(book, text) write_log(book, text, sizeof(text) - 1)

static char *read_back(Book *book, const char *name)
{
    g_autofree char *path = g_build_filename(book->dir, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static void assert_told(Book *book, const char *lines)
{
    ck_assert_str_eq(book->told->str, lines);
    g_string_truncate(book->told, 0);
}

START_TEST(whole_lines_are_told_as_they_come)
{
    Book book;
    book_open(&book, 1000, on_line);
    WRITE(&book, "one\ntwo");
    assert_told(&book, "<one>");
    WRITE(&book, " more\r\n\nthree\n");
    assert_told(&book, "<two more><><three>");
    book_close(&book);
}
END_TEST

START_TEST(what_was_there_before_is_kept_but_not_told)
{
    Book book;
    book_open(&book, 1000, on_line);
    WRITE(&book, "old\n");
    guest_log_close(book.log);
    assert_told(&book, "<old>");
    ck_assert_int_ge(guest_log_open(book.event, book.dir_fd, "a.log", 1000, on_line, &book, &book.log), 0);
    WRITE(&book, "new\n");
    assert_told(&book, "<new>");
    g_autofree char *text = read_back(&book, "a.log");
    ck_assert_str_eq(text, "old\nnew\n");
    book_close(&book);
}
END_TEST

/* As after a restart of the daemon: whoever wrote it may write nothing more. */
START_TEST(a_log_that_grew_while_nobody_looked_is_set_aside_at_once)
{
    Book book;
    book_open(&book, 1000, on_line);
    WRITE(&book, "0123456789abcdefghij\n");
    guest_log_close(book.log);
    assert_told(&book, "<0123456789abcdefghij>");
    ck_assert_int_ge(guest_log_open(book.event, book.dir_fd, "a.log", 20, on_line, &book, &book.log), 0);
    loop_settle(book.event);
    g_autofree char *now = read_back(&book, "a.log"), *before = read_back(&book, "a.log.1");
    ck_assert_str_eq(now, "");
    ck_assert_str_eq(before, "123456789abcdefghij\n");
    assert_told(&book, "");
    book_close(&book);
}
END_TEST

START_TEST(a_log_past_its_limit_is_set_aside_and_begins_anew)
{
    Book book;
    book_open(&book, 20, on_line);
    WRITE(&book, "0123456789\n");
    WRITE(&book, "abcdefghij\n");
    g_autofree char *now = read_back(&book, "a.log"), *before = read_back(&book, "a.log.1");
    ck_assert_str_eq(now, "");
    ck_assert_str_eq(before, "23456789\nabcdefghij\n");
    WRITE(&book, "after\n");
    assert_told(&book, "<0123456789><abcdefghij><after>");
    g_autofree char *later = read_back(&book, "a.log");
    ck_assert_str_eq(later, "after\n");
    book_close(&book);
}
END_TEST

START_TEST(a_log_that_nobody_is_told_of_is_bounded_too)
{
    Book book;
    book_open(&book, 100, NULL);
    for (int i = 0; i < 100; i++)
        WRITE(&book, "a line of twenty-one\n");
    g_autofree char *now = read_back(&book, "a.log"), *before = read_back(&book, "a.log.1");
    ck_assert_uint_le(strlen(now), 121);
    ck_assert_uint_eq(strlen(before), 100);
    book_close(&book);
}
END_TEST

START_TEST(a_burst_is_told_whole_but_only_its_end_is_kept)
{
    Book book;
    g_autoptr(GString) burst = g_string_new(NULL);
    g_autofree char *before = NULL;
    unsigned n = 0;

    book_open(&book, 1000, on_line);
    for (int i = 0; i < 100000; i++)
        g_string_append_printf(burst, "line %d\n", i);
    write_log(&book, burst->str, burst->len);
    for (const char *c = book.told->str; *c; c++)
        n += *c == '<';
    ck_assert_uint_eq(n, 100000);
    ck_assert(g_str_has_suffix(book.told->str, "<line 99999>"));
    before = read_back(&book, "a.log.1");
    ck_assert_uint_eq(strlen(before), 1000);
    ck_assert(g_str_has_suffix(before, "\nline 99999\n"));
    book_close(&book);
}
END_TEST

START_TEST(a_line_without_end_is_told_in_parts)
{
    Book book;
    g_autofree char *fill = g_strnfill(GUEST_LOG_LINE_MAX, 'x');
    g_autofree char *parts = g_strdup_printf("<%s><yz>", fill);

    book_open(&book, 100000, on_line);
    write_log(&book, fill, strlen(fill));
    assert_told(&book, "");
    WRITE(&book, "yz\n");
    assert_told(&book, parts);
    write_log(&book, fill, strlen(fill));
    WRITE(&book, "\n");
    parts[GUEST_LOG_LINE_MAX + 2] = '\0';
    assert_told(&book, parts);
    book_close(&book);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_told_as_text)
{
    Book book;
    book_open(&book, 1000, on_line);
    WRITE(&book, "a\xff"
                 "b\0c\n");
    assert_told(&book, "<a\uFFFDb\uFFFDc>");
    book_close(&book);
}
END_TEST

START_TEST(a_cleared_log_begins_anew)
{
    Book book;
    book_open(&book, 1000, on_line);
    WRITE(&book, "one\nhal");
    ck_assert_int_eq(guest_log_clear(book.log), 0);
    WRITE(&book, "two\n");
    assert_told(&book, "<one><two>");
    g_autofree char *text = read_back(&book, "a.log");
    ck_assert_str_eq(text, "two\n");
    book_close(&book);
}
END_TEST

START_TEST(a_run_begins_with_a_line_of_its_own_that_is_not_told)
{
    Book book;

    book_open(&book, 1000, on_line);
    ck_assert_int_eq(guest_log_begin(book.log), 0);
    WRITE(&book, "one\ntw");
    ck_assert_int_eq(guest_log_begin(book.log), 0);
    WRITE(&book, "three\n");
    g_autofree char *text = read_back(&book, "a.log");
    ck_assert_msg(g_regex_match_simple("^-- Started \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d --\none\ntw\n"
                                       "-- Started [^\n]* --\nthree\n$",
                                       text, 0, 0),
                  "%s", text);
    assert_told(&book, "<one><three>");
    book_close(&book);
}
END_TEST

START_TEST(a_log_that_somebody_else_emptied_is_followed)
{
    Book book;
    g_autofree char *path = NULL;
    book_open(&book, 1000, on_line);
    WRITE(&book, "a long line\n");
    path = g_build_filename(book.dir, "a.log", NULL);
    ck_assert_int_eq(truncate(path, 0), 0);
    loop_settle(book.event);
    WRITE(&book, "new\n");
    assert_told(&book, "<a long line><new>");
    book_close(&book);
}
END_TEST

static void assert_tail(Book *book, size_t max, const char *text)
{
    g_autofree char *tail = guest_log_tail(book->log, max);
    ck_assert_str_eq(tail, text);
}

START_TEST(the_tail_begins_with_a_line)
{
    Book book;
    book_open(&book, 1000, NULL);
    assert_tail(&book, 100, "");
    WRITE(&book, "one\ntwo\nthree");
    assert_tail(&book, 100, "one\ntwo\nthree");
    assert_tail(&book, 13, "one\ntwo\nthree");
    assert_tail(&book, 12, "two\nthree");
    assert_tail(&book, 9, "two\nthree");
    assert_tail(&book, 8, "three");
    assert_tail(&book, 5, "three");
    assert_tail(&book, 4, "hree");
    WRITE(&book, "\xff\n");
    assert_tail(&book, 7, "three\uFFFD\n");
    book_close(&book);
}
END_TEST

START_TEST(a_log_is_private_and_follows_no_link)
{
    Book book;
    struct stat st;
    GuestLog *log = NULL;
    book_open(&book, 1000, NULL);
    ck_assert_int_eq(fstat(guest_log_fd(book.log), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777 & ~0640, 0);
    ck_assert_int_eq(fcntl(guest_log_fd(book.log), F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND);
    ck_assert_int_eq(fcntl(guest_log_fd(book.log), F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(symlinkat("/etc/passwd", book.dir_fd, "b.log"), 0);
    ck_assert_int_eq(guest_log_open(book.event, book.dir_fd, "b.log", 1000, NULL, NULL, &log), -ELOOP);
    ck_assert_int_eq(guest_log_open(book.event, -1, "c.log", 1000, NULL, NULL, &log), -EBADF);
    ck_assert_ptr_null(log);
    book_close(&book);
}
END_TEST

SUITE("guest-log", whole_lines_are_told_as_they_come, what_was_there_before_is_kept_but_not_told,
      a_log_that_grew_while_nobody_looked_is_set_aside_at_once,
      a_log_past_its_limit_is_set_aside_and_begins_anew, a_log_that_nobody_is_told_of_is_bounded_too,
      a_burst_is_told_whole_but_only_its_end_is_kept, a_line_without_end_is_told_in_parts,
      bytes_that_are_no_text_are_told_as_text, a_cleared_log_begins_anew,
      a_run_begins_with_a_line_of_its_own_that_is_not_told, a_log_that_somebody_else_emptied_is_followed,
      the_tail_begins_with_a_line, a_log_is_private_and_follows_no_link)
