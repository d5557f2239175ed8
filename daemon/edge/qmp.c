/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/cleanup.h"
#include "../core/qmp-message.h"
#include "clock.h"
#include "qmp.h"

struct Qmp {
    sd_event *event;
    int fd;
    sd_event_source *io;
    QmpReader *reader;
    GByteArray *out;     /* what the socket did not take yet */
    GHashTable *pending; /* id → Pending, owned */
    uint64_t last_id;
    bool ready;
    bool busy; /* a handler runs: qmp_free() leaves the rest to whoever called it */
    bool dead; /* freed meanwhile */
    const QmpHandler *handler;
    void *userdata;
};

typedef struct Pending {
    Qmp *qmp;
    uint64_t id;
    QmpReply reply;
    void *userdata;
    sd_event_source *timeout;
} Pending;

static void pending_free(void *data)
{
    Pending *pending = data;

    sd_event_source_disable_unref(pending->timeout);
    g_free(pending);
}

static Pending *take_pending(Qmp *qmp, uint64_t id)
{
    Pending *pending = g_hash_table_lookup(qmp->pending, &id);

    if (pending)
        g_hash_table_steal(qmp->pending, &id);
    return pending;
}

/* Answers one command; its entry is gone before the call, so that the callee may do anything. */
static void answer(Qmp *qmp, Pending *pending, int error, const char *message, struct json_object *result)
{
    QmpReply reply = pending->reply;
    void *userdata = pending->userdata;

    pending_free(pending);
    if (reply)
        reply(qmp, error, message, result, userdata);
}

/* Frees for good what a handler asked to be freed. True if it did. */
static bool bury(Qmp *qmp)
{
    bool dead = qmp->dead;

    qmp->busy = false;
    if (dead)
        qmp_free(qmp);
    return dead;
}

/* Tells that the connection is over, once: commands first. */
static void over(Qmp *qmp, int error)
{
    GHashTableIter iter;
    Pending *pending;

    qmp->io = sd_event_source_disable_unref(qmp->io);
    qmp->ready = false;
    qmp->busy = true;
    while (!qmp->dead) {
        g_hash_table_iter_init(&iter, qmp->pending);
        if (!g_hash_table_iter_next(&iter, NULL, (void **)&pending))
            break;
        g_hash_table_iter_steal(&iter);
        answer(qmp, pending, -ECONNRESET, "the connection to QEMU ended", NULL);
    }
    if (!qmp->dead)
        qmp->handler->closed(qmp, error, qmp->userdata);
    bury(qmp);
}

static int flush(Qmp *qmp)
{
    while (qmp->out->len > 0) {
        ssize_t n = send(qmp->fd, qmp->out->data, qmp->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return -errno;
        g_byte_array_remove_range(qmp->out, 0, n);
    }
    return sd_event_source_set_io_events(qmp->io, qmp->out->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_negotiated(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    if (error < 0)
        return; /* the end of the connection tells */
    qmp->ready = true;
    if (qmp->handler->ready)
        qmp->handler->ready(qmp, qmp->userdata);
}

static void dispatch(Qmp *qmp, const QmpMessage *message)
{
    Pending *pending;

    switch (message->kind) {
    case QMP_GREETING:
        qmp_command(qmp, "qmp_capabilities", NULL, 0, on_negotiated, NULL);
        return;
    case QMP_EVENT:
        if (qmp->handler->event)
            qmp->handler->event(qmp, message->name, message->data, qmp->userdata);
        return;
    case QMP_REPLY:
    case QMP_ERROR:
        /* One that came too late has been answered -ETIMEDOUT and is dropped. */
        pending = take_pending(qmp, message->id);
        if (pending)
            answer(qmp, pending, message->kind == QMP_ERROR ? -EREMOTEIO : 0, message->text, message->data);
        return;
    }
}

/* 0, or -EBADMSG. */
static int dispatch_all(Qmp *qmp)
{
    QmpMessage *message;
    int r = 0;

    while (!qmp->dead && (r = qmp_reader_next(qmp->reader, &message)) > 0) {
        dispatch(qmp, message);
        qmp_message_free(message);
    }
    return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Qmp *qmp = userdata;
    char buffer[16 * 1024];
    int r = 0;

    qmp->busy = true;
    if (revents & EPOLLOUT)
        r = flush(qmp);
    if (r >= 0 && revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n == 0)
            r = -ECONNRESET;
        else if (n < 0)
            r = errno == EAGAIN || errno == EINTR ? 0 : -errno;
        else
            r = qmp_reader_feed(qmp->reader, buffer, n);
        if (r >= 0 && n > 0)
            r = dispatch_all(qmp);
    }
    if (!bury(qmp) && r < 0)
        over(qmp, r == -ECONNRESET ? 0 : r);
    return 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    return steal_fd(&fd);
}

int qmp_open(sd_event *event, int fd, const QmpHandler *handler, void *userdata, Qmp **ret)
{
    Qmp *qmp = g_new0(Qmp, 1);

    qmp->event = event;
    qmp->fd = fd;
    qmp->handler = handler;
    qmp->userdata = userdata;
    qmp->reader = qmp_reader_new();
    qmp->out = g_byte_array_new();
    qmp->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, pending_free);
    int r = sd_event_add_io(event, &qmp->io, fd, EPOLLIN, on_io, qmp);
    if (r < 0) {
        qmp_free(qmp);
        return r;
    }
    *ret = qmp;
    return 0;
}

int qmp_connect(sd_event *event, const char *path, const QmpHandler *handler, void *userdata, Qmp **ret)
{
    int fd = connect_to(path);

    return fd < 0 ? fd : qmp_open(event, fd, handler, userdata, ret);
}

Qmp *qmp_free(Qmp *qmp)
{
    if (!qmp)
        return NULL;
    if (qmp->busy) {
        qmp->dead = true;
        return NULL;
    }
    sd_event_source_disable_unref(qmp->io);
    g_hash_table_destroy(qmp->pending);
    qmp_reader_free(qmp->reader);
    g_byte_array_unref(qmp->out);
    close_fd(qmp->fd);
    g_free(qmp);
    return NULL;
}

bool qmp_ready(const Qmp *qmp)
{
    return qmp->ready;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
    Pending *pending = userdata;
    Qmp *qmp = pending->qmp;

    qmp->busy = true;
    g_hash_table_steal(qmp->pending, &pending->id);
    answer(qmp, pending, -ETIMEDOUT, "no answer in time", NULL);
    bury(qmp);
    return 0;
}

int qmp_command(Qmp *qmp, const char *name, struct json_object *arguments, uint64_t timeout_usec,
                QmpReply reply, void *userdata)
{
    uint64_t id = ++qmp->last_id;
    g_autofree char *text = qmp_command_to_text(name, arguments, id);
    Pending *pending = g_new0(Pending, 1);

    json_object_put(arguments);
    *pending = (Pending){qmp, id, reply, userdata, NULL};
    g_hash_table_insert(qmp->pending, &pending->id, pending);
    g_byte_array_append(qmp->out, (const uint8_t *)text, strlen(text));
    int r = qmp->io ? flush(qmp) : -ECONNRESET;
    if (r >= 0 && timeout_usec > 0)
        r = clock_after(qmp->event, timeout_usec, on_timeout, pending, &pending->timeout);
    if (r < 0) {
        g_hash_table_remove(qmp->pending, &id);
        return r;
    }
    return 0;
}

int qmp_listen(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* The mode of the socket's file is that of the descriptor at the time of bind(2) (unix(7)): never open to
     * others. */
    if (fchmod(fd, 0600) < 0 || (unlink(path) < 0 && errno != ENOENT) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        return -errno;
    return steal_fd(&fd);
}
