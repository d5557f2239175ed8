/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netlink-dump.h"

#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/cleanup.h"

/* The kernel fills at most 32 KiB at once (netlink_dump() in af_netlink.c). */
#define ANSWER_MAX (64 * 1024)
/* How often a list that changed meanwhile is asked for again: a busy router's never stands still. */
#define ATTEMPTS_MAX 3

typedef struct Request {
    struct nlmsghdr header;
    char rest[64];
} Request;

/* The kernel only takes a head of the right size for the request. */
static Request make_request(uint16_t type, uint16_t flags, unsigned char family)
{
    size_t head = type == RTM_GETLINK      ? sizeof(struct ifinfomsg)
                  : type == RTM_GETROUTE   ? sizeof(struct rtmsg)
                  : type == RTM_GETNEXTHOP ? sizeof(struct nhmsg)
                                           : sizeof(struct rtgenmsg);
    Request request = {.header = {.nlmsg_len = NLMSG_SPACE(head),
                                  .nlmsg_type = type,
                                  .nlmsg_flags = NLM_F_REQUEST | flags,
                                  .nlmsg_seq = 1}};

    request.rest[0] = family; /* the first field of each head */
    return request;
}

/* What a message says about the end: 1: go on, 0: all was well, or -errno. */
static int read_end(const struct nlmsghdr *message)
{
    int error;

    if (message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR)
        return 1;
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
        return message->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
    memcpy(&error, NLMSG_DATA(message), sizeof(error));
    return MIN(error, 0);
}

/* 0 or -errno; *ret_changed: the list changed while it was read. */
static int receive(int fd, NetlinkEach each, void *userdata, bool *ret_changed)
{
    g_autofree char *answer = g_malloc(ANSWER_MAX);

    *ret_changed = false;
    for (;;) {
        ssize_t n = recv(fd, answer, ANSWER_MAX, MSG_TRUNC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || n > ANSWER_MAX)
            return n < 0 ? -errno : -EBADMSG;
        const struct nlmsghdr *message = (const struct nlmsghdr *)answer;
        for (size_t size = n; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
            int r = read_end(message);
            if (r <= 0)
                return r;
            *ret_changed |= message->nlmsg_flags & NLM_F_DUMP_INTR;
            r = each(message, userdata);
            if (r < 0)
                return r;
            /* An answer that is no list is a single message. */
            if (!(message->nlmsg_flags & NLM_F_MULTI))
                return 0;
        }
    }
}

static int ask(const Request *request, NetlinkEach each, void *userdata, bool *ret_changed)
{
    _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0)
        return -errno;
    return receive(fd, each, userdata, ret_changed);
}

static int list(const Request *request, NetlinkEach each, void *userdata)
{
    bool changed = true;
    int r = 0;

    for (unsigned i = 0; i < ATTEMPTS_MAX && r >= 0 && changed; i++)
        r = ask(request, each, userdata, &changed);
    return r;
}

int netlink_dump(uint16_t type, unsigned char family, int space, NetlinkEach each, void *userdata)
{
    Request request = make_request(type, NLM_F_DUMP, family);

    if (type == RTM_GETLINK)
        mnl_attr_put_u32(&request.header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (space != LINK_OWN)
        mnl_attr_put_u32(&request.header, IFLA_TARGET_NETNSID, space);
    return list(&request, each, userdata);
}

/* Network namespaces. */

static int on_space(const struct nlmsghdr *message, void *userdata)
{
    const struct nlattr *attribute;
    GArray *spaces = userdata;

    mnl_attr_for_each(attribute, message, sizeof(struct rtgenmsg))
    {
        if (mnl_attr_get_type(attribute) != NETNSA_NSID || mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
            continue;
        int space = mnl_attr_get_u32(attribute);
        if (space >= 0)
            g_array_append_val(spaces, space);
    }
    return 0;
}

int netlink_spaces(GArray **ret)
{
    g_autoptr(GArray) spaces = g_array_new(FALSE, FALSE, sizeof(int));
    Request request = make_request(RTM_GETNSID, NLM_F_DUMP, AF_UNSPEC);
    int r = list(&request, on_space, spaces);

    if (r >= 0)
        *ret = g_steal_pointer(&spaces);
    return r;
}

/* *ret: LINK_OWN if it has none. */
static int look_up(pid_t pid, int *ret)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(int));
    Request request = make_request(RTM_GETNSID, 0, AF_UNSPEC);
    bool changed;

    mnl_attr_put_u32(&request.header, NETNSA_PID, pid);
    int r = ask(&request, on_space, found, &changed);
    if (r >= 0)
        *ret = found->len > 0 ? g_array_index(found, int, 0) : LINK_OWN;
    return r;
}

static int on_nothing(const struct nlmsghdr *message, void *userdata)
{
    return 0;
}

int netlink_space_of(pid_t pid)
{
    Request request = make_request(RTM_NEWNSID, NLM_F_ACK, AF_UNSPEC);
    bool changed;
    int space, r = look_up(pid, &space);

    if (r < 0 || space != LINK_OWN)
        return r < 0 ? r : space;
    mnl_attr_put_u32(&request.header, NETNSA_PID, pid);
    mnl_attr_put_u32(&request.header, NETNSA_NSID, -1);
    r = ask(&request, on_nothing, NULL, &changed);
    /* Somebody else may have given it a number meanwhile. */
    if (r >= 0 || r == -EEXIST)
        r = look_up(pid, &space);
    return r < 0 ? r : space == LINK_OWN ? -ESRCH : space;
}

int netlink_space_own(void)
{
    int space;

    return look_up(getpid(), &space) < 0 ? LINK_OWN : space;
}
