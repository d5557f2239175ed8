/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request about the network to the kernel (rtnetlink(7)), and what it says. */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>

/* No request has more attributes than fit into it: names have LINK_NAME_MAX bytes at most, the rest is
 * numbers. */
#define NETLINK_REQUEST_MAX 512

typedef struct NetlinkRequest {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[NETLINK_REQUEST_MAX];
} NetlinkRequest;

/* About the link of this index; 0: one that an attribute names. flags: NLM_F_*, besides those of every
 * request. up: set it up. */
NetlinkRequest netlink_request(uint16_t type, uint16_t flags, unsigned index, bool up);

/* Sends it, and waits for the answer: 0 or -errno. */
int netlink_ask(const NetlinkRequest *request);
/* Sends a request about something else than a link: its head, with NLM_F_ACK and the number 1, and what
 * follows. The answer likewise. */
int netlink_say(const struct nlmsghdr *request);
