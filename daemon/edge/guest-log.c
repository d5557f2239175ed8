/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-log.h"

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "../base/cleanup.h"
#include "../base/log.h"

#define READ_SIZE (16 * 1024)
/* What is read in one turn of the loop, so that a guest that writes without end does not stop it. */
#define TURN_MAX (256 * 1024)

struct GuestLog {
    int fd; /* for writing, by QEMU */
    int read_fd;
    int dir_fd;
    char *name;
    uint64_t limit;
    GuestLogLine line;
    void *userdata;
    off_t told;       /* up to here */
    GString *partial; /* a line whose end has not come */
    sd_event_source *watch;
    sd_event_source *more; /* a turn was not enough */
};

static void tell_line(GuestLog *log)
{
    g_autofree char *text = NULL;

    if (log->partial->len > 0 && log->partial->str[log->partial->len - 1] == '\r')
        g_string_truncate(log->partial, log->partial->len - 1);
    text = g_utf8_make_valid(log->partial->str, log->partial->len);
    g_string_truncate(log->partial, 0);
    log->line(text, log->userdata);
}

static void take_bytes(GuestLog *log, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;
        size_t room = GUEST_LOG_LINE_MAX - log->partial->len;
        bool whole = newline && length <= room;

        g_string_append_len(log->partial, bytes, MIN(length, room));
        if (whole || length > room)
            tell_line(log);
        length = MIN(length, room) + whole;
        bytes += length;
        size -= length;
    }
}

/* Tells what has come since; true if there is more. */
static bool read_on(GuestLog *log)
{
    char bytes[READ_SIZE];

    for (size_t total = 0; total < TURN_MAX;) {
        ssize_t n = pread(log->read_fd, bytes, sizeof(bytes), log->told);
        if (n <= 0)
            return false;
        take_bytes(log, bytes, n);
        log->told += n;
        total += n;
    }
    return true;
}

/* Copies at most the last limit bytes: a burst may have made it much longer. */
static int copy_old(GuestLog *log, off_t size)
{
    g_autofree char *name = g_strconcat(log->name, ".1", NULL);
    off_t from = MAX(size - (off_t)log->limit, 0);
    _cleanup_close_ int fd =
        openat(log->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    ssize_t n;

    if (fd < 0)
        return -errno;
    while ((n = sendfile(fd, log->read_fd, &from, READ_SIZE)) > 0)
        ;
    return n < 0 ? -errno : 0;
}

/* The bound holds even where there is no room for a copy. */
static void rotate(GuestLog *log, off_t size)
{
    int r = copy_old(log, size);

    if (r < 0)
        log_warning("cannot keep the old part of %s, which is lost: %s", log->name, strerror(-r));
    if (ftruncate(log->fd, 0) < 0)
        log_warning("cannot empty %s, which has grown to its limit: %s", log->name, strerror(errno));
    log->told = 0;
}

static int look(GuestLog *log)
{
    struct stat st;

    if (fstat(log->read_fd, &st) < 0)
        return 0;
    /* Somebody else emptied it. */
    if (st.st_size < log->told)
        log->told = 0;
    if (log->line && read_on(log))
        return sd_event_source_set_enabled(log->more, SD_EVENT_ONESHOT);
    if (fstat(log->read_fd, &st) == 0 && (uint64_t)st.st_size > log->limit)
        rotate(log, st.st_size);
    return 0;
}

static int on_more(sd_event_source *source, void *userdata)
{
    return look(userdata);
}

static int on_modified(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    return look(userdata);
}

GuestLog *guest_log_close(GuestLog *log)
{
    if (!log)
        return NULL;
    sd_event_source_disable_unref(log->watch);
    sd_event_source_disable_unref(log->more);
    close_fd(log->fd);
    close_fd(log->read_fd);
    close_fd(log->dir_fd);
    g_string_free(log->partial, TRUE);
    g_free(log->name);
    g_free(log);
    return NULL;
}

static int open_files(GuestLog *log, int dir_fd)
{
    struct stat st;

    log->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    if (log->dir_fd < 0)
        return -errno;
    log->fd = openat(dir_fd, log->name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (log->fd < 0)
        return -errno;
    log->read_fd = openat(dir_fd, log->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (log->read_fd < 0 || fstat(log->read_fd, &st) < 0)
        return -errno;
    log->told = st.st_size;
    return 0;
}

static int watch(GuestLog *log, sd_event *event)
{
    int r = sd_event_add_inotify_fd(event, &log->watch, log->read_fd, IN_MODIFY, on_modified, log);

    /* The first turn is for what it has grown by while nobody looked. */
    return r < 0 ? r : sd_event_add_defer(event, &log->more, on_more, log);
}

int guest_log_open(sd_event *event, int dir_fd, const char *name, uint64_t limit, GuestLogLine line,
                   void *userdata, GuestLog **ret)
{
    GuestLog *log = g_new0(GuestLog, 1);
    int r;

    *log =
        (GuestLog){.fd = -1, .read_fd = -1, .dir_fd = -1, .limit = limit, .line = line, .userdata = userdata};
    log->name = g_strdup(name);
    log->partial = g_string_new(NULL);
    r = open_files(log, dir_fd);
    if (r >= 0)
        r = watch(log, event);
    if (r < 0) {
        guest_log_close(log);
        return r;
    }
    *ret = log;
    return 0;
}

int guest_log_fd(const GuestLog *log)
{
    return log->fd;
}

int guest_log_begin(GuestLog *log)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *when = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");
    struct stat st;

    if (fstat(log->fd, &st) < 0)
        return -errno;
    /* The run before may have been cut off within a line. */
    int n = dprintf(log->fd, "%s-- Started %s --\n", st.st_size > 0 ? "\n" : "", when);
    if (n < 0)
        return -errno;
    if (st.st_size == log->told)
        log->told += n;
    g_string_truncate(log->partial, 0);
    return 0;
}

int guest_log_clear(GuestLog *log)
{
    if (ftruncate(log->fd, 0) < 0)
        return -errno;
    log->told = 0;
    g_string_truncate(log->partial, 0);
    return 0;
}

char *guest_log_tail(const GuestLog *log, size_t max)
{
    g_autofree char *bytes = g_malloc(max + 1);
    struct stat st;
    ssize_t n;

    if (fstat(log->read_fd, &st) < 0)
        return g_strdup("");
    /* One byte more, to see whether the first one begins a line. */
    off_t from = MAX(st.st_size - (off_t)max - 1, 0);
    n = pread(log->read_fd, bytes, max + 1, from);
    if (n <= 0)
        return g_strdup("");
    const char *start = bytes;
    if ((size_t)n > max) {
        const char *newline = memchr(bytes, '\n', n - 1);
        start = newline ? newline + 1 : bytes + 1;
    }
    return g_utf8_make_valid(start, bytes + n - start);
}
