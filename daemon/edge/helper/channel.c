/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../../base/cleanup.h"
#include "../../base/wire.h"
#include "channel.h"

/* The kernel's limit for one message (SCM_MAX_FD, unix(7)). */
#define SEND_FDS_MAX 253

struct Channel {
    int fd;
    sd_event_source *source;
    ChannelHandler handler;
    void *userdata;
    unsigned max_fds;
    bool dispatching;
    bool freed; /* by its handler; goes when the handler returns */
};

/* One message, as it came. */
typedef struct Incoming {
    char **words;
    int fds[CHANNEL_FDS_MAX];
    unsigned n_fds;
} Incoming;

static void incoming_clear(Incoming *incoming)
{
    g_strfreev(incoming->words);
    for (unsigned i = 0; i < incoming->n_fds; i++)
        close_fd(incoming->fds[i]);
}

static void take_fds(struct msghdr *message, Incoming *incoming)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(incoming->fds + incoming->n_fds, CMSG_DATA(c), n * sizeof(int));
        incoming->n_fds += n;
    }
}

/* 0 and a message; -EAGAIN: none yet; -ECONNRESET at the end; -EBADMSG. Always sets incoming->fds. */
static int receive(int fd, unsigned max_fds, Incoming *incoming)
{
    g_autofree char *bytes = g_malloc(WIRE_MESSAGE_MAX);
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
    } control;
    struct iovec part = {bytes, WIRE_MESSAGE_MAX};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (max_fds > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_LEN(sizeof(int) * max_fds);
    }

    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    take_fds(&message, incoming);
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return -EBADMSG;
    if (size == 0)
        return -ECONNRESET;
    return wire_unpack(bytes, size, &incoming->words);
}

static void destroy(Channel *channel)
{
    sd_event_source_disable_unref(channel->source);
    close_fd(channel->fd);
    g_free(channel);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Channel *channel = userdata;
    Incoming incoming = {0};

    int r = receive(fd, channel->max_fds, &incoming);
    if (r != -EAGAIN) {
        if (r < 0)
            sd_event_source_set_enabled(source, SD_EVENT_OFF);
        channel->dispatching = true;
        channel->handler(channel, r < 0 ? NULL : incoming.words, incoming.fds, r < 0 ? 0 : incoming.n_fds,
                         channel->userdata);
        channel->dispatching = false;
    }
    incoming_clear(&incoming);
    if (channel->freed)
        destroy(channel);
    return 0;
}

int channel_new(sd_event *event, int fd, ChannelHandler handler, void *userdata, Channel **ret)
{
    Channel *channel = g_new0(Channel, 1);

    *channel = (Channel){.fd = fd, .handler = handler, .userdata = userdata};
    int r = sd_event_add_io(event, &channel->source, fd, EPOLLIN, on_ready, channel);
    if (r < 0) {
        destroy(channel);
        return r;
    }
    *ret = channel;
    return 0;
}

void channel_set_handler(Channel *channel, ChannelHandler handler, void *userdata)
{
    channel->handler = handler;
    channel->userdata = userdata;
}

void channel_accept_fds(Channel *channel, unsigned max)
{
    channel->max_fds = MIN(max, CHANNEL_FDS_MAX);
}

Channel *channel_free(Channel *channel)
{
    if (!channel)
        return NULL;
    if (channel->dispatching) {
        channel->freed = true;
        /* The peer must see the end now, not when the handler returns. */
        channel->source = sd_event_source_disable_unref(channel->source);
        channel->fd = close_fd(channel->fd);
    } else {
        destroy(channel);
    }
    return NULL;
}

int channel_send(Channel *channel, const char *const *words, const int *fds, unsigned n_fds)
{
    g_autoptr(GByteArray) bytes = NULL;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * SEND_FDS_MAX)];
    } control = {0};

    if (n_fds > SEND_FDS_MAX)
        return -E2BIG;
    int r = wire_pack(words, &bytes);
    if (r < 0)
        return r;

    struct iovec part = {bytes->data, bytes->len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (n_fds > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    return sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
