/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link-map.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "../../base/cleanup.h"

/* More than the kernel lets anybody stack (MAX_NEST_DEV in netdevice.h: 8). */
#define DEPTH_MAX 16
#define USES_MAX 32

struct LinkMap {
    GHashTable *by_index; /* of Link by "SPACE INDEX" */
    GHashTable *by_name;  /* of Link, borrowed; those of the own space */
    GPtrArray *links;     /* of Link, borrowed */
};

static void link_free(Link *link)
{
    g_free(link->name);
    g_free(link->bus);
    g_free(link->parent);
    g_ptr_array_unref(link->above);
    g_free(link);
}

LinkMap *link_map_new(void)
{
    LinkMap *map = g_new(LinkMap, 1);

    *map = (LinkMap){
        .by_index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)link_free),
        .by_name = g_hash_table_new(g_str_hash, g_str_equal),
        .links = g_ptr_array_new(),
    };
    return map;
}

DEFINE_FREE(LinkMap, link_map_free, map)
{
    g_ptr_array_unref(map->links);
    g_hash_table_unref(map->by_name);
    g_hash_table_unref(map->by_index);
}

static Link *find(const LinkMap *map, int space, unsigned index)
{
    g_autofree char *key = g_strdup_printf("%d %u", space, index);

    return g_hash_table_lookup(map->by_index, key);
}

const GPtrArray *link_map_links(const LinkMap *map)
{
    return map->links;
}

/* Attributes. */

/* Sorts attributes by type, and skips types above max. -EBADMSG: one reaches beyond the end. */
static int read_attributes(const void *bytes, size_t size, const struct rtattr *ret[], unsigned max)
{
    memset(ret, 0, (max + 1) * sizeof(*ret));
    for (size_t at = 0; at < size;) {
        const struct rtattr *attribute = (const struct rtattr *)((const char *)bytes + at);
        if (size - at < sizeof(*attribute) || attribute->rta_len < sizeof(*attribute) ||
            attribute->rta_len > size - at)
            return -EBADMSG;
        unsigned type = attribute->rta_type & NLA_TYPE_MASK;
        if (type <= max)
            ret[type] = attribute;
        at += RTA_ALIGN(attribute->rta_len);
    }
    return 0;
}

/* Reads the attributes behind the head of a message. */
static int read_message(const struct nlmsghdr *message, size_t head, const struct rtattr *ret[], unsigned max)
{
    if (message->nlmsg_len < NLMSG_SPACE(head))
        return -EBADMSG;
    return read_attributes((const char *)message + NLMSG_SPACE(head), message->nlmsg_len - NLMSG_SPACE(head),
                           ret, max);
}

static uint32_t get_number(const struct rtattr *attribute, uint32_t otherwise)
{
    uint32_t number;

    if (!attribute || RTA_PAYLOAD(attribute) < sizeof(number))
        return otherwise;
    memcpy(&number, RTA_DATA(attribute), sizeof(number));
    return number;
}

/* NULL for none. The caller frees it. */
static char *get_text(const struct rtattr *attribute)
{
    return attribute ? g_strndup(RTA_DATA(attribute), RTA_PAYLOAD(attribute)) : NULL;
}

/* Links. */

/* "vlan", "macvtap", …; NULL for that of a card. The caller frees it. */
static char *get_kind(const struct rtattr *info)
{
    const struct rtattr *attributes[IFLA_INFO_KIND + 1];
    if (!info || read_attributes(RTA_DATA(info), RTA_PAYLOAD(info), attributes, IFLA_INFO_KIND) < 0)
        return NULL;
    return get_text(attributes[IFLA_INFO_KIND]);
}

static int read_link(LinkMap *map, int space, const struct nlmsghdr *message)
{
    const struct ifinfomsg *head = NLMSG_DATA(message);
    const struct rtattr *attributes[IFLA_PARENT_DEV_BUS_NAME + 1];
    int r = read_message(message, sizeof(*head), attributes, IFLA_PARENT_DEV_BUS_NAME);
    if (r < 0)
        return r;
    if (!attributes[IFLA_IFNAME] || find(map, space, head->ifi_index))
        return 0;

    g_autofree char *kind = get_kind(attributes[IFLA_LINKINFO]);
    Link *link = g_new(Link, 1);
    *link = (Link){
        .space = space,
        .index = head->ifi_index,
        .name = get_text(attributes[IFLA_IFNAME]),
        .bus = get_text(attributes[IFLA_PARENT_DEV_BUS_NAME]),
        .parent = get_text(attributes[IFLA_PARENT_DEV_NAME]),
        .up = head->ifi_flags & IFF_UP,
        .tap = g_strcmp0(kind, "macvtap") == 0 || g_strcmp0(kind, "ipvtap") == 0,
        .switching = g_strcmp0(kind, "openvswitch") == 0,
        .master = get_number(attributes[IFLA_MASTER], 0),
        .lower = get_number(attributes[IFLA_LINK], 0),
        .lower_space = get_number(attributes[IFLA_LINK_NETNSID], space),
        .above = g_ptr_array_new(),
    };
    g_hash_table_insert(map->by_index, g_strdup_printf("%d %u", space, link->index), link);
    g_ptr_array_add(map->links, link);
    if (space == LINK_OWN)
        g_hash_table_insert(map->by_name, link->name, link);
    return 0;
}

/* Routes. */

/* The kernel itself adds fe80::/10 and ff00::/8 for every link that is up, even without another address. */
static bool is_by_itself(const struct rtmsg *head, const struct rtattr *destination)
{
    const unsigned char *bytes = destination ? RTA_DATA(destination) : NULL;

    if (head->rtm_family != AF_INET6 || !bytes || RTA_PAYLOAD(destination) < 16)
        return false;
    return bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static void note_route(LinkMap *map, unsigned index, unsigned table)
{
    Link *link = index > 0 ? find(map, LINK_OWN, index) : NULL;

    if (!link)
        return;
    link->routed = true;
    /* People mean the main table's route. */
    if (table > 0 && link->table != RT_TABLE_MAIN)
        link->table = table;
}

/* Reads the next hops of a route that has several. */
static int read_ways(LinkMap *map, const struct rtattr *ways, unsigned table)
{
    const struct rtnexthop *way = RTA_DATA(ways);
    size_t size = RTA_PAYLOAD(ways);

    while (size >= sizeof(*way)) {
        if (way->rtnh_len < sizeof(*way) || way->rtnh_len > size)
            return -EBADMSG;
        note_route(map, way->rtnh_ifindex, table);
        size -= MIN(size, (size_t)RTNH_ALIGN(way->rtnh_len));
        way = RTNH_NEXT(way);
    }
    return 0;
}

static int read_route(LinkMap *map, const struct nlmsghdr *message)
{
    const struct rtmsg *head = NLMSG_DATA(message);
    const struct rtattr *attributes[RTA_TABLE + 1];
    int r = read_message(message, sizeof(*head), attributes, RTA_TABLE);
    if (r < 0)
        return r;
    if (head->rtm_flags & RTM_F_CLONED || is_by_itself(head, attributes[RTA_DST]))
        return 0;

    bool is_default = head->rtm_dst_len == 0 && head->rtm_type == RTN_UNICAST;
    unsigned table = is_default ? get_number(attributes[RTA_TABLE], head->rtm_table) : 0;
    note_route(map, get_number(attributes[RTA_OIF], 0), table);
    return attributes[RTA_MULTIPATH] ? read_ways(map, attributes[RTA_MULTIPATH], table) : 0;
}

/* A route by nexthop objects names their links too, unless net.ipv4.nexthop_compat_mode is off. */
static int read_nexthop(LinkMap *map, const struct nlmsghdr *message)
{
    const struct rtattr *attributes[NHA_OIF + 1];
    int r = read_message(message, sizeof(struct nhmsg), attributes, NHA_OIF);
    if (r >= 0)
        note_route(map, get_number(attributes[NHA_OIF], 0), 0);
    return r;
}

int link_map_read(LinkMap *map, int space, const struct nlmsghdr *message)
{
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
        return read_link(map, space, message);
    case RTM_NEWROUTE:
        return read_route(map, message);
    case RTM_NEWNEXTHOP:
        return read_nexthop(map, message);
    default:
        return 0;
    }
}

/* What is above what. */

void link_map_stack(LinkMap *map, const char *lower, const char *upper)
{
    Link *below = g_hash_table_lookup(map->by_name, lower), *above = g_hash_table_lookup(map->by_name, upper);

    if (below && above)
        g_ptr_array_add(below->above, above);
}

void link_map_note_sessions(LinkMap *map, const char *name, const char *sessions)
{
    Link *link = g_hash_table_lookup(map->by_name, name);

    if (link)
        link->sessions = sessions;
}

static void put_above(LinkMap *map, int space, unsigned index, Link *above)
{
    Link *below = index > 0 ? find(map, space, index) : NULL;

    if (below)
        g_ptr_array_add(below->above, above);
}

void link_map_connect(LinkMap *map, int own)
{
    for (unsigned i = 0; i < map->links->len; i++) {
        Link *link = g_ptr_array_index(map->links, i), *master = find(map, link->space, link->master);
        if (link->lower_space == own)
            link->lower_space = LINK_OWN;
        put_above(map, link->lower_space, link->lower, link);
        if (master)
            g_ptr_array_add(link->above, master);
    }
}

/* Uses. */

typedef struct Walk {
    GHashTable *seen; /* set of Link* */
    GPtrArray *uses;
} Walk;

static void add(Walk *walk, const Link *link, unsigned table, const char *sessions)
{
    if (walk->uses->len >= USES_MAX)
        return;
    LinkUse *use = g_new(LinkUse, 1);
    *use = (LinkUse){.link = link, .table = table, .sessions = sessions};
    g_ptr_array_add(walk->uses, use);
}

/* True if the link, or what is above it, is used. */
static bool look_at(Walk *walk, Link *link, const Link *below, unsigned depth)
{
    if ((!link->up && !link->switching) || depth >= DEPTH_MAX || !g_hash_table_add(walk->seen, link))
        return false;

    bool used = link->table > 0 || link->routed || link->tap || link->space != LINK_OWN;
    if (used)
        add(walk, link, link->table, NULL);
    if (link->sessions) {
        add(walk, link, 0, link->sessions);
        used = true;
    }
    for (unsigned i = 0; i < link->above->len; i++)
        used |= look_at(walk, g_ptr_array_index(link->above, i), link, depth + 1);
    if (!used && below && below->space == link->space && below->master == link->index) {
        add(walk, link, 0, NULL);
        used = true;
    }
    return used;
}

GPtrArray *link_map_uses(const LinkMap *map, const Link *link)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Walk walk = {.seen = seen, .uses = g_ptr_array_new_with_free_func(g_free)};

    look_at(&walk, find(map, link->space, link->index), NULL, 0);
    return walk.uses;
}
