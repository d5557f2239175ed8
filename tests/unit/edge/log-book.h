/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log of a guest, and what was told of it. */
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>

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

static inline void on_line(const char *line, void *userdata)
{
    ck_assert_ptr_eq(userdata, &book);
    ck_assert(g_utf8_validate(line, -1, NULL));
    g_string_append_printf(book.told, "<%s>", line);
}

static inline void open_log(uint32_t limit, bool words, GuestLogLine line)
{
    const GuestLogPlace place = {book.dir_fd, "a.pipe", book.dir_fd, "a.log", limit, words};
    ck_assert_int_eq(guest_log_open(book.event, &place, line, &book, &book.log), 0);
}

static inline void setup(void)
{
    book = (Book){.event = loop_new(), .dir = scratch_new("log"), .told = g_string_new(NULL)};
    book.dir_fd = open(book.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void teardown(void)
{
    book.log = guest_log_close(book.log);
    ck_assert_ptr_null(book.log);
    close_fd(book.dir_fd);
    sd_event_unref(book.event);
    scratch_remove(book.dir);
    g_free(book.dir);
    g_string_free(book.told, TRUE);
}

static inline void until_read(int fd)
{
    int left = 1;

    while (ioctl(fd, FIONREAD, &left) == 0 && left > 0)
        ck_assert_int_gt(sd_event_run(book.event, LOOP_DEADLINE_USEC), 0);
}

static inline void write_log(const char *text, size_t size)
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

#define WRITE(text) write_log(text, sizeof(text) - 1)

static inline char *read_back(const char *name)
{
    g_autofree char *path = g_build_filename(book.dir, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static inline void assert_told(const char *lines)
{
    ck_assert_str_eq(book.told->str, lines);
    g_string_truncate(book.told, 0);
}
