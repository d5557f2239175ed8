/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message with descriptors, sent without any of the code under test. */
#pragma once

#include <check.h>
#include <string.h>
#include <sys/socket.h>

#define SEND_FDS_MAX 64

static inline void send_fds_to(int socket, const void *bytes, size_t size, const int *fds, unsigned n)
{
    char control[CMSG_SPACE(sizeof(int) * SEND_FDS_MAX)] = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control};

    ck_assert_uint_le(n, SEND_FDS_MAX);
    message.msg_controllen = CMSG_SPACE(sizeof(int) * n);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
    ck_assert_int_eq(sendmsg(socket, &message, 0), size);
}
