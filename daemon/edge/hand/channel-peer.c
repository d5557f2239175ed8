/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../base/cleanup.h"
#include "../../base/wire.h"
#include "../helper/channel.h"

/* The kernel takes no more in one message (SCM_MAX_FD). */
#define FDS_MAX 253

int channel_connect(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);

    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        if (errno != EINTR)
            return -errno;
    *ret_fd = steal_fd(&fd);
    return 0;
}

int channel_send_blocking(int fd, const char *const *words, const int *fds, unsigned n_fds)
{
    if (n_fds > FDS_MAX)
        return -E2BIG;
    g_autoptr(GByteArray) bytes = NULL;
    int r = wire_pack(words, &bytes);
    if (r < 0)
        return r;

    struct iovec part = {bytes->data, bytes->len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    g_autofree struct cmsghdr *control = NULL;
    if (n_fds > 0) {
        message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        message.msg_control = control = g_malloc0(message.msg_controllen);
        *control = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int) * n_fds),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
        };
        memcpy(CMSG_DATA(control), fds, sizeof(int) * n_fds);
    }
    /* A packet goes whole or not at all. */
    while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static unsigned collect_fds(struct msghdr *message, int *fds)
{
    unsigned n_fds = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds + n_fds, CMSG_DATA(c), n * sizeof(int));
        n_fds += n;
    }
    return n_fds;
}

int channel_receive_blocking(int fd, char ***ret_words, int *ret_fds, unsigned max_fds, unsigned *ret_n_fds)
{
    g_autofree char *bytes = g_malloc(WIRE_MESSAGE_MAX);
    g_autofree char *control = g_malloc0(CMSG_SPACE(sizeof(int) * FDS_MAX));
    int fds[FDS_MAX];
    struct iovec part = {bytes, WIRE_MESSAGE_MAX};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = CMSG_SPACE(sizeof(int) * FDS_MAX),
    };

    ssize_t size;
    while ((size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC)) < 0)
        if (errno != EINTR)
            return -errno;
    if (size == 0)
        return -ECONNRESET;

    unsigned n_fds = collect_fds(&message, fds);
    bool whole = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && n_fds <= max_fds;
    int r = whole ? wire_unpack(bytes, size, ret_words) : -EBADMSG;
    if (r < 0) {
        for (unsigned i = 0; i < n_fds; i++)
            close_fd(fds[i]);
        return r;
    }
    if (n_fds > 0)
        memcpy(ret_fds, fds, sizeof(int) * n_fds);
    *ret_n_fds = n_fds;
    return 0;
}
