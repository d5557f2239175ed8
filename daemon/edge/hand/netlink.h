/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request about a network link to the kernel (rtnetlink(7)), and what it says. */
#pragma once

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No request has more attributes than fit into it. */
#define NETLINK_REQUEST_MAX 512

typedef struct NetlinkRequest {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[NETLINK_REQUEST_MAX];
} NetlinkRequest;

/* About the link of this index; 0: one that an attribute names. flags: NLM_F_*, besides those of every
 * request. up: set it up. */
NetlinkRequest netlink_request(uint16_t type, uint16_t flags, unsigned index, bool up);

void netlink_add(NetlinkRequest *request, uint16_t type, const void *bytes, size_t size);
void netlink_add_number(NetlinkRequest *request, uint16_t type, uint32_t number);
void netlink_add_text(NetlinkRequest *request, uint16_t type, const char *text);
/* What is added up to the end becomes part of an attribute of its own; where it begins, for netlink_end(). */
size_t netlink_begin(NetlinkRequest *request, uint16_t type);
void netlink_end(NetlinkRequest *request, size_t begin);

/* Sends it, and waits for the answer: 0 or -errno. */
int netlink_ask(NetlinkRequest *request);
