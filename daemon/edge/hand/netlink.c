/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netlink.h"

#include <errno.h>
#include <net/if.h>

NetlinkRequest netlink_request(uint16_t type, uint16_t flags, unsigned index, bool up)
{
    NetlinkRequest request = {}; /* libmnl 1.0.4 leaves the padding of attributes as it is */
    struct nlmsghdr *header = mnl_nlmsg_put_header(&request);

    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    header->nlmsg_seq = 1;
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
    link->ifi_index = index;
    link->ifi_flags = link->ifi_change = up ? IFF_UP : 0;
    return request;
}

int netlink_ask(const NetlinkRequest *request)
{
    return netlink_say(&request->header);
}

int netlink_say(const struct nlmsghdr *request)
{
    char answer[sizeof(NetlinkRequest) + 1024];
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int r = -1;

    if (!socket)
        return -errno;
    ssize_t n = mnl_socket_sendto(socket, request, request->nlmsg_len);
    if (n >= 0)
        n = mnl_socket_recvfrom(socket, answer, sizeof(answer));
    if (n >= 0)
        r = mnl_cb_run(answer, n, 1, 0, NULL, NULL);
    /* An answer that neither agrees nor refuses is none. */
    r = r < 0 ? -errno : r == MNL_CB_STOP ? 0 : -EBADMSG;
    mnl_socket_close(socket);
    return r;
}
