/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/socket.h>

#include "../../base/cleanup.h"
#include "../../edge/host-services/clock.h"
#include "console.h"
#include "qemu-client.h"
#include "qmp-fault.h"

/* QEMU drops the client before when its loop comes round. */
#define RETRY_USEC (G_USEC_PER_SEC / 20)
#define RETRIES 40
#define FD_NAME "client"

/* A client on its way to QEMU. */
typedef struct Opening {
    Streams *streams;
    GuestStream stream;
    const char *protocol;
    bool force;
    bool shut;    /* whoever had the console was shut down */
    bool renewed; /* QEMU has dropped whoever had it */
    ConsoleRenewal *renewal;
    unsigned retries;
    int ours, theirs; /* theirs: a duplicate of QEMU's end of a console */
    sd_event_source *retry;
    GuestOpened opened;
    void *userdata;
} Opening;

struct Streams {
    sd_event *event;
    const char *guest;
    QemuLink *link;
    char *console_path;
    StreamsOpenLog open_log;
    void *userdata;
    Opening *opening; /* NULL: none */
    int console_end;  /* QEMU's end of the console that was opened last, to take it away by; -1: none */
    Viewers *viewers;
};

Streams *streams_new(Engine *engine, const char *guest, QemuLink *link, const char *console_path,
                     StreamsOpenLog open_log, void *userdata)
{
    Streams *streams = g_new(Streams, 1);

    *streams = (Streams){engine->event, guest, link, g_strdup(console_path),          open_log,
                         userdata,      NULL,  -1,   viewers_new(engine, guest, link)};
    return streams;
}

static void opening_free(Opening *opening)
{
    if (!opening)
        return;
    sd_event_source_disable_unref(opening->retry);
    console_renewal_free(opening->renewal);
    close_fd(opening->ours);
    close_fd(opening->theirs);
    g_free(opening);
}

DEFINE_FREE(Streams, streams_free, streams)
{
    opening_free(streams->opening);
    close_fd(streams->console_end);
    g_free(streams->console_path);
    viewers_free(streams->viewers);
}

Viewers *streams_viewers(const Streams *streams)
{
    return streams->viewers;
}

/* Reports the end and forgets the opening; fault is taken over. */
static void end(Opening *opening, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;
    int fd = fault ? -1 : steal_fd(&opening->ours);

    opening->streams->opening = NULL;
    opening->opened(fd, fault, opening->userdata);
    opening_free(opening);
}

static void fail(Opening *opening, int error, const char *message)
{
    const Streams *streams = opening->streams;

    if (error == -ETIMEDOUT)
        qemu_link_go_silent(streams->link);
    end(opening, qmp_fault(streams->guest, error, message));
}

static int connect_client(Opening *opening);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    Opening *opening = userdata;

    int r = connect_client(opening);
    if (r < 0)
        fail(opening, r, NULL);
    return 0;
}

static void on_renewed(int error, const char *message, void *userdata)
{
    Opening *opening = userdata;

    opening->renewal = console_renewal_free(opening->renewal);
    if (error == 0)
        error = connect_client(opening);
    if (error < 0)
        fail(opening, error, message);
}

static int renew_console(Opening *opening)
{
    const Streams *streams = opening->streams;
    int log_fd = streams->open_log(streams->userdata);

    if (log_fd < 0 && log_fd != -ENOENT)
        return log_fd;
    return console_renewal_new(qemu_link_qmp(streams->link), streams->console_path, log_fd, on_renewed,
                               opening, &opening->renewal);
}

static void drop_ends(Opening *opening)
{
    opening->ours = close_fd(opening->ours);
    opening->theirs = close_fd(opening->theirs);
}

/* A chardev has one client, and add_client fails while there is another. */
static void refused(Opening *opening, const char *message)
{
    const Streams *streams = opening->streams;
    /* A client that was connected before usherd was started has no end here to shut down. */
    bool stranger = opening->force && !opening->renewed && !opening->shut;

    if (opening->stream == GUEST_STREAM_DISPLAY) {
        end(opening, fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s does not show its display: %s",
                               streams->guest, message));
    } else if (stranger) {
        opening->renewed = true;
        drop_ends(opening);
        int r = renew_console(opening);
        if (r < 0)
            fail(opening, r, NULL);
    } else if (opening->force && opening->retries++ < RETRIES) {
        drop_ends(opening);
        clock_after(streams->event, RETRY_USEC, on_retry, opening, &opening->retry);
    } else {
        g_autofree char *remedy =
            opening->force
                ? g_strdup("try again")
                : g_strdup_printf("to take the console over: usherctl console --force %s", streams->guest);
        end(opening,
            fault_new(FAULT_BUSY, remedy, "somebody has the console of guest %s open", streams->guest));
    }
}

static void on_added(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Opening *opening = userdata;
    Streams *streams = opening->streams;

    if (error == -EREMOTEIO) {
        refused(opening, message);
        return;
    }
    if (error < 0) {
        fail(opening, error, message);
        return;
    }
    if (opening->stream == GUEST_STREAM_CONSOLE) {
        close_fd(streams->console_end);
        streams->console_end = steal_fd(&opening->theirs);
    }
    end(opening, NULL);
}

static void on_known(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Opening *opening = userdata;

    if (error == 0)
        error = qemu_client_add(qmp, FD_NAME, opening->protocol, opening->stream == GUEST_STREAM_DISPLAY,
                                on_added, opening);
    if (error < 0)
        fail(opening, error, message);
}

static int connect_client(Opening *opening)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    opening->ours = pair[0];
    if (opening->stream == GUEST_STREAM_CONSOLE)
        opening->theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
    return qemu_client_give(qemu_link_qmp(opening->streams->link), FD_NAME, pair[1], on_known, opening);
}

/* Both ends hear of this: QEMU is free for another client, and the reader knows that he has lost the
 * console. */
static bool shut_console(Streams *streams)
{
    if (streams->console_end < 0)
        return false;
    shutdown(streams->console_end, SHUT_RDWR);
    streams->console_end = close_fd(streams->console_end);
    return true;
}

int streams_open(Streams *streams, GuestStream stream, const char *protocol, bool force, GuestOpened opened,
                 void *userdata, Fault **ret_fault)
{
    if (streams->opening)
        return fault_raise(ret_fault, FAULT_BUSY, "try again", "somebody else is being connected to guest %s",
                           streams->guest);

    Opening *opening = g_new(Opening, 1);
    *opening = (Opening){
        .streams = streams,
        .stream = stream,
        .protocol = protocol,
        .force = force,
        .shut = stream == GUEST_STREAM_CONSOLE && force && shut_console(streams),
        .ours = -1,
        .theirs = -1,
        .opened = opened,
        .userdata = userdata,
    };
    int r = connect_client(opening);
    if (r >= 0) {
        streams->opening = opening;
        return 0;
    }
    opening_free(opening);
    return r == -EBUSY
               ? fault_raise(ret_fault, FAULT_BUSY, "try again", "QEMU of guest %s is busy", streams->guest)
               : r;
}

void streams_drop(Streams *streams)
{
    if (streams->opening)
        fail(streams->opening, -ECONNRESET, NULL);
}

void streams_close(Streams *streams)
{
    streams_drop(streams);
    streams->console_end = close_fd(streams->console_end);
    viewers_close(streams->viewers);
}
