/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../../base/cleanup.h"
#include "../../core/qemu/qmp-message.h"
#include "../host-services/clock.h"

#define READ_SIZE (64 * 1024)
/* How many bytes wait for a QEMU that does not read. */
#define UNSENT_MAX (256 * 1024)
/* Messages taken in one turn of the loop; the rest comes after a pause. A QEMU that says a thing without end
 * (as a guest can have it do by DEVICE_TRAY_MOVED) is heard 1000 times a second, and others in between. */
#define TURN_MAX 16
#define REST_USEC (16 * 1000)
/* How many answers are awaited: an event may be a reason to ask, and QEMU need not answer. */
#define PENDING_MAX 256
/* QEMU serves one connection at a time; the others wait. */
#define BACKLOG 8

typedef struct Pending {
    Qmp *qmp;
    uint64_t id;
    bool with_fd;
    QmpReply reply;
    void *userdata;
    sd_event_source *timer;
} Pending;

struct Qmp {
    sd_event *event;
    int fd;
    sd_event_source *source, *rest;
    QmpHandler handler;
    void *userdata;
    QmpReader *reader;
    GByteArray *unsent;
    int passed; /* the descriptor that goes with the byte of unsent at passed_at; -1: none */
    unsigned passed_at;
    GQueue pending; /* of Pending, in the order in which they were sent */
    uint64_t last_id;
    bool greeted, ready;
    unsigned depth; /* of callbacks under way */
    bool freed;     /* by one of them; goes when the last has returned */
};

DEFINE_ELEMENT_FREE(Pending, pending_free, pending)
{
    sd_event_source_disable_unref(pending->timer);
}

static void disconnect(Qmp *qmp)
{
    qmp->ready = false;
    qmp->source = sd_event_source_disable_unref(qmp->source);
    qmp->rest = sd_event_source_disable_unref(qmp->rest);
    qmp->passed = close_fd(qmp->passed);
    qmp->fd = close_fd(qmp->fd);
}

static void destroy(Qmp *qmp)
{
    disconnect(qmp);
    g_queue_clear_full(&qmp->pending, pending_free);
    qmp_reader_free(qmp->reader);
    g_byte_array_unref(qmp->unsent);
    sd_event_unref(qmp->event);
    g_free(qmp);
}

Qmp *qmp_free(Qmp *qmp)
{
    if (!qmp || qmp->freed)
        return NULL;
    qmp->freed = true;
    disconnect(qmp);
    if (qmp->depth == 0)
        destroy(qmp);
    return NULL;
}

/* Around every callback, so that it may free the connection. */
static void enter(Qmp *qmp)
{
    qmp->depth++;
}

static void leave(Qmp *qmp)
{
    if (--qmp->depth == 0 && qmp->freed)
        destroy(qmp);
}

static void answer(Pending *pending, int error, const char *message, struct json_object *result)
{
    if (pending->reply)
        pending->reply(pending->qmp, error, message, result, pending->userdata);
    pending_free(pending);
}

/* Tells everybody that it is over, once: the source is gone afterwards. */
static void end(Qmp *qmp, int error)
{
    Pending *pending;

    disconnect(qmp);
    while (!qmp->freed && (pending = g_queue_pop_head(&qmp->pending)))
        answer(pending, -ECONNRESET, "the connection to QEMU broke", NULL);
    if (!qmp->freed && qmp->handler.closed)
        qmp->handler.closed(qmp, error, qmp->userdata);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
    Pending *pending = userdata;
    Qmp *qmp = pending->qmp;
    QmpReply reply = g_steal_pointer(&pending->reply);
    void *owner = pending->userdata;

    enter(qmp);
    pending->timer = sd_event_source_disable_unref(pending->timer);
    /* The next descriptor would replace one that QEMU has not taken yet: its command stays queued,
     * unheard. */
    if (!pending->with_fd) {
        g_queue_remove(&qmp->pending, pending);
        pending_free(pending);
    }
    if (reply)
        reply(qmp, -ETIMEDOUT, "QEMU did not answer in time", NULL, owner);
    leave(qmp);
    return 0;
}

static ssize_t send_with_fd(int socket, const void *bytes, size_t size, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends one piece of unsent: up to where a descriptor belongs, or from there on with it. */
static ssize_t send_some(Qmp *qmp)
{
    const uint8_t *bytes = qmp->unsent->data;
    size_t size = qmp->unsent->len;

    if (qmp->passed < 0)
        return send(qmp->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (qmp->passed_at > 0) {
        ssize_t n = send(qmp->fd, bytes, qmp->passed_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        qmp->passed_at -= MAX(n, 0);
        return n;
    }
    ssize_t n = send_with_fd(qmp->fd, bytes, size, qmp->passed);
    if (n > 0)
        qmp->passed = close_fd(qmp->passed);
    return n;
}

/* Sends what is waiting, as far as it goes. That the connection broke is left to be found by reading, as
 * there may be something to read yet. */
static void flush(Qmp *qmp)
{
    while (qmp->unsent->len > 0) {
        ssize_t n = send_some(qmp);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            shutdown(qmp->fd, SHUT_RDWR);
            n = qmp->unsent->len;
        }
        g_byte_array_remove_range(qmp->unsent, 0, n);
    }
    sd_event_source_set_io_events(qmp->source, qmp->unsent->len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Takes the arguments over. */
static int send_command(Qmp *qmp, const char *name, struct json_object *arguments, uint64_t timeout_usec,
                        QmpReply reply, void *userdata)
{
    g_autofree char *text = qmp_command_to_text(name, arguments, qmp->last_id + 1);
    Pending *pending;
    int r;

    json_object_put(arguments);
    if (qmp->unsent->len + strlen(text) > UNSENT_MAX || g_queue_get_length(&qmp->pending) >= PENDING_MAX)
        return -ENOBUFS;
    pending = g_new0(Pending, 1);
    *pending = (Pending){qmp, qmp->last_id + 1, qmp->passed >= 0, reply, userdata};
    if (timeout_usec > 0) {
        r = clock_after(qmp->event, timeout_usec, on_timeout, pending, &pending->timer);
        if (r < 0) {
            pending_free(pending);
            return r;
        }
    }
    qmp->last_id++;
    g_queue_push_tail(&qmp->pending, pending);
    g_byte_array_append(qmp->unsent, (const uint8_t *)text, strlen(text));
    flush(qmp);
    return 0;
}

bool qmp_ready(const Qmp *qmp)
{
    return qmp && qmp->ready;
}

int qmp_command(Qmp *qmp, const char *name, struct json_object *arguments, uint64_t timeout_usec,
                QmpReply reply, void *userdata)
{
    if (!qmp_ready(qmp)) {
        json_object_put(arguments);
        return -ENOTCONN;
    }
    return send_command(qmp, name, arguments, timeout_usec, reply, userdata);
}

/* QEMU keeps only the descriptor that came last, until it has read the command that it came with. */
static bool fd_under_way(const Qmp *qmp)
{
    for (const GList *link = qmp->pending.head; link; link = link->next)
        if (((const Pending *)link->data)->with_fd)
            return true;
    return qmp->passed >= 0;
}

int qmp_command_with_fd(Qmp *qmp, int fd, const char *name, struct json_object *arguments,
                        uint64_t timeout_usec, QmpReply reply, void *userdata)
{
    if (!qmp_ready(qmp) || fd_under_way(qmp)) {
        json_object_put(arguments);
        close_fd(fd);
        return qmp_ready(qmp) ? -EBUSY : -ENOTCONN;
    }
    qmp->passed = fd;
    qmp->passed_at = qmp->unsent->len;
    int r = send_command(qmp, name, arguments, timeout_usec, reply, userdata);
    if (r < 0)
        qmp->passed = close_fd(qmp->passed);
    return r;
}

static void on_negotiated(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    if (error == -EREMOTEIO)
        end(qmp, -EBADMSG);
    if (error < 0)
        return;
    qmp->ready = true;
    if (qmp->handler.ready)
        qmp->handler.ready(qmp, qmp->userdata);
}

/* An answer that nobody waits for any more is dropped. */
static void take_answer(Qmp *qmp, const QmpMessage *message)
{
    for (GList *link = qmp->pending.head; link; link = link->next) {
        Pending *pending = link->data;

        if (pending->id != message->id)
            continue;
        g_queue_delete_link(&qmp->pending, link);
        answer(pending, message->kind == QMP_ERROR ? -EREMOTEIO : 0, message->text, message->data);
        return;
    }
}

/* 0, or -EBADMSG for what does not belong here. */
static int take_message(Qmp *qmp, const QmpMessage *message)
{
    if ((message->kind == QMP_GREETING) == qmp->greeted)
        return -EBADMSG;
    switch (message->kind) {
    case QMP_GREETING:
        qmp->greeted = true;
        return send_command(qmp, "qmp_capabilities", NULL, 0, on_negotiated, NULL);
    case QMP_EVENT:
        if (qmp->handler.event)
            qmp->handler.event(qmp, message->name, message->data, qmp->userdata);
        return 0;
    case QMP_REPLY:
    case QMP_ERROR:
        take_answer(qmp, message);
        return 0;
    }
    return -EBADMSG;
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata);

/* Handles messages already read, at most one turn's worth. 0 or -errno. */
static int take_messages(Qmp *qmp)
{
    for (unsigned n = 0; qmp->fd >= 0; n++) {
        g_autoptr(QmpMessage) message = NULL;

        if (n == TURN_MAX) {
            int r = clock_after(qmp->event, REST_USEC, on_rested, qmp, &qmp->rest);
            return r < 0 ? r : sd_event_source_set_enabled(qmp->source, SD_EVENT_OFF);
        }
        int r = qmp_reader_next(qmp->reader, &message);
        if (r > 0)
            r = take_message(qmp, message);
        else if (r == 0)
            return 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* 0, or why the connection is over: 1 at its end, -errno. */
static int receive(Qmp *qmp)
{
    g_autofree char *bytes = g_malloc(READ_SIZE);
    ssize_t size = recv(qmp->fd, bytes, READ_SIZE, MSG_DONTWAIT);

    /* ECONNRESET: the peer ended without having read all; what it said came before. */
    if (size == 0 || (size < 0 && errno == ECONNRESET))
        return 1;
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    int r = qmp_reader_feed(qmp->reader, bytes, size);
    return r < 0 ? r : take_messages(qmp);
}

/* fd -1: a callback freed it, or it has ended meanwhile. */
static void leave_turn(Qmp *qmp, int r)
{
    if (r != 0 && qmp->fd >= 0)
        end(qmp, MIN(r, 0));
    leave(qmp);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata)
{
    Qmp *qmp = userdata;

    enter(qmp);
    qmp->rest = sd_event_source_disable_unref(qmp->rest);
    int r = sd_event_source_set_enabled(qmp->source, SD_EVENT_ON);
    leave_turn(qmp, r < 0 ? r : take_messages(qmp));
    return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Qmp *qmp = userdata;
    int r = 0;

    enter(qmp);
    if (revents & EPOLLOUT)
        flush(qmp);
    if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
        r = receive(qmp);
    leave_turn(qmp, r);
    return 0;
}

int qmp_adopt(sd_event *event, int fd, const QmpHandler *handler, void *userdata, Qmp **ret)
{
    Qmp *qmp = g_new0(Qmp, 1);
    int r;

    qmp->event = sd_event_ref(event);
    qmp->fd = fd;
    qmp->passed = -1;
    qmp->handler = *handler;
    qmp->userdata = userdata;
    qmp->reader = qmp_reader_new();
    qmp->unsent = g_byte_array_new();
    g_queue_init(&qmp->pending);
    r = sd_event_add_io(event, &qmp->source, fd, EPOLLIN, on_io, qmp);
    if (r < 0) {
        qmp_free(qmp);
        return r;
    }
    *ret = qmp;
    return 0;
}

static int make_address(const char *path, struct sockaddr_un *ret)
{
    if (strlen(path) >= sizeof(ret->sun_path))
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(ret->sun_path, path);
    return 0;
}

int qmp_connect(sd_event *event, const char *path, const QmpHandler *handler, void *userdata, Qmp **ret)
{
    struct sockaddr_un address;
    _cleanup_close_ int fd = -1;
    int r = make_address(path, &address);

    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return qmp_adopt(event, steal_fd(&fd), handler, userdata, ret);
}

int qmp_listen(const char *path)
{
    struct sockaddr_un address;
    _cleanup_close_ int fd = -1;
    int r = make_address(path, &address);

    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Before bind(2), which takes the mode over: there is no moment at which others may connect. */
    if (fchmod(fd, 0600) < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return steal_fd(&fd);
}
