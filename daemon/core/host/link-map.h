/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network links of the host and of its containers, which of them are built upon which, and which are
 * used: a value, made of rtnetlink(7)'s answers. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <linux/netlink.h>
#include <stdbool.h>

/* The network namespace that asks; others by the numbers that they have there (ip-netns(8), list-id). */
#define LINK_OWN (-1)

typedef struct Link {
    int space; /* LINK_OWN or a number */
    unsigned index;
    char *name;
    char *bus, *parent; /* the device that it is of: "pci", "0000:05:00.0"; NULL for none */
    bool up;
    bool tap; /* its other end is a node (macvtap): it carries traffic without an address */
    /* Open vSwitch's: it is the master of its switch's ports, and stays down whatever goes over them
     * (ovs_netdev_link() in net/openvswitch/vport-netdev.c). */
    bool switching;
    bool routed;          /* a route goes over it, and so an address is on it */
    unsigned table;       /* that has a default route over it; 0 for none */
    unsigned master;      /* the bridge or bond that it is a port of, of the same space; 0 for none */
    unsigned lower;       /* what it is built upon, as a VLAN is; 0 for nothing */
    int lower_space;      /* where that is */
    GPtrArray *above;     /* of Link*, once they are connected */
    const char *sessions; /* what runs over it that is no link: "PPPoE"; NULL for nothing */
} Link;

typedef struct LinkUse {
    const Link *link; /* what is used: the link asked for, or one above it */
    unsigned table;   /* it has the default route of this table; 0: it is used otherwise */
    const char *sessions;
} LinkUse;

typedef struct LinkMap LinkMap;

LinkMap *link_map_new(void);
LinkMap *link_map_free(LinkMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkMap, link_map_free)

/* One message about a link, a route, or a nexthop (routes and nexthops: of the own space alone); others are
 * passed over. The same one may come twice. 0, or -EBADMSG for what is cut off. */
int link_map_read(LinkMap *map, int space, const struct nlmsghdr *message);

/* Links of the own space by their names; none of that name: nothing happens. That one is above the other, as
 * sysfs says (upper_*), where netlink does not: a VXLAN and its way out. */
void link_map_stack(LinkMap *map, const char *lower, const char *upper);
/* Sessions run over it; a constant string. */
void link_map_note_sessions(LinkMap *map, const char *name, const char *sessions);

/* When all is read: which number the own space has for itself, LINK_OWN for none. */
void link_map_connect(LinkMap *map, int own);

/* All of them (of Link*), borrowed. */
const GPtrArray *link_map_links(const LinkMap *map);

/* How a link and the links that are built upon it are used (of LinkUse; the caller frees the array), the
 * links below first; empty: nobody would miss the link. At most 32. A link that is down carries nothing,
 * whatever is built upon it, Open vSwitch's aside. These are used: a link with a route or address in any
 * table, except the routes of version 6 that every link has by itself; a port of a bridge, bond, team or
 * VRF that is up; a link without an address of its own, if a node (macvtap) or a container's network
 * namespace is at its other end. */
GPtrArray *link_map_uses(const LinkMap *map, const Link *link);
