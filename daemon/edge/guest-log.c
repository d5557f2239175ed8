/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/cleanup.h"
#include "guest-log.h"

#define LINE_MAX_BYTES 4096

struct GuestLog {
    int dir_fd;
    char *name;
    uint64_t limit;
    int write_fd; /* QEMU's, O_APPEND */
    int read_fd;
    off_t read_to;
    GString *partial; /* a line that is not whole yet */
    int inotify_fd;
    sd_event_source *source;
    GuestLogLine line;
    void *userdata;
};

static off_t size_of(const GuestLog *log)
{
    struct stat st;

    return fstat(log->read_fd, &st) < 0 ? 0 : st.st_size;
}

/* Copied and emptied, not renamed: QEMU keeps the descriptor it has. What it writes between the two is lost.
 */
static void rotate(GuestLog *log)
{
    g_autofree char *old = g_strconcat(log->name, ".1", NULL);
    off_t offset = 0, size = size_of(log);
    _cleanup_close_ int fd =
        openat(log->dir_fd, old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);

    /* Whoever floods the log must not make us copy without end: the last part is what tells. */
    if ((uint64_t)size > log->limit)
        offset = size - (off_t)log->limit;
    while (fd >= 0 && offset < size)
        if (sendfile(fd, log->read_fd, &offset, size - offset) <= 0)
            break;
    if (ftruncate(log->write_fd, 0) == 0)
        log->read_to = 0;
}

static void tell_lines(GuestLog *log, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n' && log->partial->len < LINE_MAX_BYTES) {
            g_string_append_c(log->partial, bytes[i] ? bytes[i] : ' ');
            continue;
        }
        g_autofree char *line = g_utf8_make_valid(log->partial->str, log->partial->len);
        g_string_truncate(log->partial, 0);
        log->line(g_strchomp(line), log->userdata);
    }
}

static void read_news(GuestLog *log)
{
    char buffer[4096];
    ssize_t n;

    while ((n = pread(log->read_fd, buffer, sizeof buffer, log->read_to)) > 0) {
        log->read_to += n;
        tell_lines(log, buffer, n);
    }
}

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    GuestLog *log = userdata;
    char buffer[4096];

    while (read(fd, buffer, sizeof buffer) > 0)
        ;
    if (log->line)
        read_news(log);
    if ((uint64_t)size_of(log) > log->limit)
        rotate(log);
    return 0;
}

static int open_files(GuestLog *log)
{
    log->write_fd =
        openat(log->dir_fd, log->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (log->write_fd < 0)
        return -errno;
    log->read_fd = openat(log->dir_fd, log->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (log->read_fd < 0)
        return -errno;
    log->read_to = size_of(log);
    return 0;
}

static int watch(GuestLog *log, sd_event *event)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", log->read_fd);

    log->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (log->inotify_fd < 0 || inotify_add_watch(log->inotify_fd, path, IN_MODIFY) < 0)
        return -errno;
    return sd_event_add_io(event, &log->source, log->inotify_fd, EPOLLIN, on_change, log);
}

int guest_log_open(sd_event *event, int dir_fd, const char *name, uint64_t limit, GuestLogLine line,
                   void *userdata, GuestLog **ret)
{
    GuestLog *log = g_new0(GuestLog, 1);

    *log = (GuestLog){.dir_fd = -1,
                      .limit = limit,
                      .write_fd = -1,
                      .read_fd = -1,
                      .inotify_fd = -1,
                      .line = line,
                      .userdata = userdata};
    log->name = g_strdup(name);
    log->partial = g_string_new(NULL);
    log->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    int r = log->dir_fd < 0 ? -errno : open_files(log);
    if (r >= 0)
        r = watch(log, event);
    if (r < 0) {
        guest_log_close(log);
        return r;
    }
    *ret = log;
    return 0;
}

GuestLog *guest_log_close(GuestLog *log)
{
    if (!log)
        return NULL;
    sd_event_source_disable_unref(log->source);
    close_fd(log->inotify_fd);
    close_fd(log->read_fd);
    close_fd(log->write_fd);
    close_fd(log->dir_fd);
    g_string_free(log->partial, TRUE);
    g_free(log->name);
    g_free(log);
    return NULL;
}

int guest_log_fd(const GuestLog *log)
{
    return log->write_fd;
}

int guest_log_clear(GuestLog *log)
{
    log->read_to = 0;
    g_string_truncate(log->partial, 0);
    return ftruncate(log->write_fd, 0) < 0 ? -errno : 0;
}

char *guest_log_tail(const GuestLog *log, size_t max)
{
    off_t size = size_of(log), begin = size > (off_t)max ? size - (off_t)max : 0;
    g_autofree char *bytes = g_malloc(max + 1);
    ssize_t n = pread(log->read_fd, bytes, max, begin);

    if (n <= 0)
        return g_strdup("");
    bytes[n] = '\0';
    const char *start = bytes;
    const char *newline = begin > 0 ? memchr(bytes, '\n', n) : NULL;
    if (newline && newline[1])
        start = newline + 1;
    return g_strchomp(g_utf8_make_valid(start, n - (start - bytes)));
}
