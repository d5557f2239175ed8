/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-log.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/words.h"
#include "bounded-file.h"
#include "../host-services/clock.h"

/* Bytes. Less than 1 MiB, what anybody may have (fs.pipe-max-size), so that those of a hundred guests stay
 * below what one user may have in all (fs.pipe-user-pages-soft, proc(5)): beyond it a pipe gets two pages. */
#define PIPE_SIZE (256 * 1024)

struct GuestLog {
    sd_event *event;
    int fd; /* for writing, by QEMU */
    int read_fd;
    BoundedFile *file;
    size_t turn; /* bytes */
    GuestLogLine line;
    void *userdata;
    bool words;
    GString *partial;      /* a line whose end has not come */
    unsigned told, untold; /* lines, since the window began */
    bool overflown;        /* the pipe was full, since then */
    sd_event_source *source, *rest, *window;
};

static int on_window(sd_event_source *source, uint64_t usec, void *userdata)
{
    GuestLog *log = userdata;
    g_autofree char *more = NULL;

    log->window = sd_event_source_disable_unref(log->window);
    if (log->untold > 0)
        more = g_strdup_printf("and %u more lines in these %d s%s", log->untold,
                               (int)(GUEST_LOG_LINES_USEC / G_USEC_PER_SEC),
                               log->overflown ? ", besides those that usherd had no time to read" : "");
    log->told = log->untold = 0;
    log->overflown = false;
    if (more)
        log->line(more, log->userdata);
    return 0;
}

static void tell_line(GuestLog *log)
{
    bool told = log->told < GUEST_LOG_LINES;

    if (!log->window)
        clock_after(log->event, GUEST_LOG_LINES_USEC, on_window, log, &log->window);
    if (told) {
        g_autofree char *text = words_in_line(log->partial->str, log->partial->len);
        log->told++;
        log->line(text, log->userdata);
    } else {
        log->untold++;
    }
}

static void take_lines(GuestLog *log, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;
        size_t room = GUEST_LOG_LINE_MAX - log->partial->len;
        bool whole = newline && length <= room;

        g_string_append_len(log->partial, bytes, MIN(length, room));
        if (whole && log->partial->len > 0 && log->partial->str[log->partial->len - 1] == '\r')
            g_string_truncate(log->partial, log->partial->len - 1);
        if (whole || length > room) {
            tell_line(log);
            g_string_truncate(log->partial, 0);
        }
        length = MIN(length, room) + whole;
        bytes += length;
        size -= length;
    }
}

/* Takes one turn's worth; false: nothing was there. */
static bool take_turn(GuestLog *log)
{
    char bytes[GUEST_LOG_TURN];
    struct pollfd room = {.fd = log->fd, .events = POLLOUT};

    if (log->words && poll(&room, 1, 0) == 0)
        log->overflown = true;
    ssize_t n = read(log->read_fd, bytes, log->turn);
    if (n <= 0)
        return false;
    bounded_file_append(log->file, bytes, n);
    if (log->line)
        take_lines(log, bytes, n);
    return true;
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata)
{
    GuestLog *log = userdata;

    return sd_event_source_set_enabled(log->source, SD_EVENT_ON);
}

/* The rest waits even after a short turn: many short turns are as much work as long ones. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    GuestLog *log = userdata;

    take_turn(log);
    if (clock_after(log->event, GUEST_LOG_REST_USEC, on_rested, log, &log->rest) < 0)
        return 0;
    return sd_event_source_set_enabled(log->source, SD_EVENT_OFF);
}

DEFINE_FREE(GuestLog, guest_log_close, log)
{
    sd_event_source_disable_unref(log->source);
    sd_event_source_disable_unref(log->rest);
    sd_event_source_disable_unref(log->window);
    sd_event_unref(log->event);
    close_fd(log->fd);
    close_fd(log->read_fd);
    bounded_file_close(log->file);
    g_string_free(log->partial, TRUE);
}

static int open_pipe(GuestLog *log, const GuestLogPlace *place)
{
    struct stat st;

    if (mkfifoat(place->pipe_dir_fd, place->pipe, 0600) < 0 && errno != EEXIST)
        return -errno;
    log->read_fd = openat(place->pipe_dir_fd, place->pipe, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (log->read_fd < 0 || fstat(log->read_fd, &st) < 0)
        return -errno;
    if (!S_ISFIFO(st.st_mode))
        return -EEXIST;
    /* QEMU's descriptor can read, too, if the pipe is to outlast the daemon (fifo(7)); if not, its write(2)
     * then fails with EPIPE (it ignores SIGPIPE: os_setup_early_signal_handling()). Our own writer stays
     * open, so that a pipe without another writer is not at its end. */
    log->fd = openat(place->pipe_dir_fd, place->pipe,
                     (place->words ? O_RDWR : O_WRONLY) | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (log->fd < 0)
        return -errno;
    fcntl(log->fd, F_SETPIPE_SZ, PIPE_SIZE);
    return 0;
}

static int watch(GuestLog *log)
{
    int r = sd_event_add_io(log->event, &log->source, log->read_fd, EPOLLIN, on_readable, log);

    /* A console's writer waits, and must be heard even while the bus is busy: the rest bounds it enough. */
    return r < 0 || !log->words ? r : sd_event_source_set_priority(log->source, SD_EVENT_PRIORITY_IDLE);
}

int guest_log_open(sd_event *event, const GuestLogPlace *place, GuestLogLine line, void *userdata,
                   GuestLog **ret)
{
    GuestLog *log = g_new0(GuestLog, 1);

    *log = (GuestLog){.event = sd_event_ref(event),
                      .fd = -1,
                      .read_fd = -1,
                      .turn = MIN(GUEST_LOG_TURN, place->limit),
                      .line = line,
                      .userdata = userdata,
                      .words = place->words};
    log->partial = g_string_new(NULL);
    int r = open_pipe(log, place);
    if (r >= 0)
        r = bounded_file_open(place->dir_fd, place->name, place->limit, &log->file);
    if (r >= 0)
        r = watch(log);
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

void guest_log_catch_up(GuestLog *log)
{
    /* Takes no more than a full pipe holds: somebody may still be writing. */
    for (size_t done = 0; done <= PIPE_SIZE && take_turn(log); done += log->turn)
        ;
}

void guest_log_begin(GuestLog *log)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *when = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");

    guest_log_catch_up(log);
    /* The previous run may have been cut off within a line. */
    g_autofree char *line =
        g_strdup_printf("%s-- Started %s --\n", bounded_file_size(log->file) > 0 ? "\n" : "", when);
    bounded_file_append(log->file, line, strlen(line));
    g_string_truncate(log->partial, 0);
}

int guest_log_clear(GuestLog *log)
{
    char bytes[GUEST_LOG_TURN];

    for (size_t done = 0; done <= PIPE_SIZE && read(log->read_fd, bytes, sizeof(bytes)) > 0;
         done += sizeof(bytes))
        ;
    g_string_truncate(log->partial, 0);
    return bounded_file_empty(log->file);
}

char *guest_log_tail(const GuestLog *log, size_t max)
{
    g_autofree char *bytes = g_malloc(max + 1);
    /* Reads one more byte, to see whether the first one begins a line. */
    size_t n = bounded_file_tail(log->file, bytes, max + 1);
    const char *start = bytes;

    if (n > max) {
        const char *newline = memchr(bytes, '\n', n - 1);
        start = newline ? newline + 1 : bytes + 1;
    }
    return g_utf8_make_valid(start, bytes + n - start);
}
