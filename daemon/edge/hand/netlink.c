/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netlink.h"

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/cleanup.h"

NetlinkRequest netlink_request(uint16_t type, uint16_t flags, unsigned index, bool up)
{
    return (NetlinkRequest){
        .header =
            {
                .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                .nlmsg_type = type,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
                .nlmsg_seq = 1,
            },
        .link =
            {
                .ifi_family = AF_UNSPEC,
                .ifi_index = index,
                .ifi_flags = up ? IFF_UP : 0,
                .ifi_change = up ? IFF_UP : 0,
            },
    };
}

static size_t place(const NetlinkRequest *request)
{
    return NLMSG_ALIGN(request->header.nlmsg_len);
}

void netlink_add(NetlinkRequest *request, uint16_t type, const void *bytes, size_t size)
{
    struct rtattr attribute = {.rta_len = RTA_LENGTH(size), .rta_type = type};
    char *at = (char *)request + place(request);

    g_assert(place(request) + RTA_SPACE(size) <= sizeof(*request));
    memcpy(at, &attribute, sizeof(attribute));
    if (size > 0)
        memcpy(at + RTA_LENGTH(0), bytes, size);
    request->header.nlmsg_len = place(request) + RTA_LENGTH(size);
}

void netlink_add_number(NetlinkRequest *request, uint16_t type, uint32_t number)
{
    netlink_add(request, type, &number, sizeof(number));
}

void netlink_add_text(NetlinkRequest *request, uint16_t type, const char *text)
{
    netlink_add(request, type, text, strlen(text) + 1);
}

size_t netlink_begin(NetlinkRequest *request, uint16_t type)
{
    size_t begin = place(request);

    netlink_add(request, type, NULL, 0);
    return begin;
}

void netlink_end(NetlinkRequest *request, size_t begin)
{
    uint16_t size = request->header.nlmsg_len - begin;

    memcpy((char *)request + begin + offsetof(struct rtattr, rta_len), &size, sizeof(size));
}

int netlink_ask(NetlinkRequest *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[sizeof(NetlinkRequest) + 1024];
    } answer;
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0)
        return -errno;
    ssize_t n = recv(fd, &answer, sizeof(answer), 0);
    if (n < 0)
        return -errno;
    if ((size_t)n < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || answer.header.nlmsg_type != NLMSG_ERROR)
        return -EBADMSG;
    return answer.error.error;
}
