/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of what the kernel's network is made of (rtnetlink(7)). They wait while anybody changes it, a driver
 * that is slow to start its card among them (the kernel's rtnl_mutex): not for usherd, whose loop nothing
 * blocks. */
#pragma once

#include <linux/netlink.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../core/host/link-map.h"

/* 0 or -errno, which ends the list. */
typedef int (*NetlinkEach)(const struct nlmsghdr *message, void *userdata);

/* All links (RTM_GETLINK), addresses (RTM_GETADDR), routes (RTM_GETROUTE: of all tables), or nexthops
 * (RTM_GETNEXTHOP). family: AF_UNSPEC, but of addresses and routes AF_INET or AF_INET6. space: LINK_OWN, or,
 * of links alone and with CAP_NET_ADMIN, the number of another network namespace. What changes meanwhile may
 * come twice. 0 or -errno; -EOPNOTSUPP: this kernel has none. */
int netlink_dump(uint16_t type, unsigned char family, int space, NetlinkEach each, void *userdata);

/* The number that a process's network namespace has in ours; it is given one if it has none, which takes
 * CAP_NET_ADMIN and means nothing to anybody (ip-netns(8), list-id). -ESRCH: the process is gone; another
 * -errno. */
int netlink_space_of(pid_t pid);
/* The number that ours has for itself, LINK_OWN for none yet. */
int netlink_space_own(void);
/* The numbers that there are, of namespaces without a process too (of int; the caller frees the array). */
int netlink_spaces(GArray **ret);
