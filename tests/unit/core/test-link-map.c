/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages as the kernel writes them; what a real one says is shown in edge/test-holder-links.c. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "../../../daemon/core/host/link-map.h"
#include "../suite.h"

#define OTHER_SPACE 3

typedef struct Message {
    struct nlmsghdr header;
    char rest[512];
} Message;

static Message begin(uint16_t type, const void *head, size_t size)
{
    Message message = {.header = {.nlmsg_len = NLMSG_SPACE(size), .nlmsg_type = type}};
    memcpy(message.rest, head, size);
    return message;
}

static void add(Message *message, uint16_t type, const void *bytes, size_t size)
{
    struct rtattr attribute = {.rta_len = RTA_LENGTH(size), .rta_type = type};
    char *at = (char *)message + message->header.nlmsg_len;
    memcpy(at, &attribute, sizeof(attribute));
    memcpy(at + RTA_LENGTH(0), bytes, size);
    message->header.nlmsg_len += RTA_SPACE(size);
}

static void add_number(Message *message, uint16_t type, uint32_t number)
{
    add(message, type, &number, sizeof(number));
}

static Message link_message(unsigned index, const char *name, unsigned lower, unsigned master)
{
    Message message = begin(RTM_NEWLINK, &(struct ifinfomsg){.ifi_index = index, .ifi_flags = IFF_UP},
                            sizeof(struct ifinfomsg));
    add(&message, IFLA_IFNAME, name, strlen(name) + 1);
    if (lower > 0)
        add_number(&message, IFLA_LINK, lower);
    if (master > 0)
        add_number(&message, IFLA_MASTER, master);
    return message;
}

static void has(LinkMap *map, unsigned index, const char *name, unsigned lower, unsigned master)
{
    Message message = link_message(index, name, lower, master);
    ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), 0);
}

static Message route_message(unsigned index, unsigned char length, unsigned table)
{
    Message message = begin(
        RTM_NEWROUTE, &(struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = length, .rtm_type = RTN_UNICAST},
        sizeof(struct rtmsg));
    add_number(&message, RTA_TABLE, table);
    add_number(&message, RTA_OIF, index);
    return message;
}

static void routes(LinkMap *map, unsigned index, unsigned char length, unsigned table)
{
    Message message = route_message(index, length, table);
    ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), 0);
}

/* "eth1.10, bond0 (100)": what uses the link that came first, with the tables of default routes. */
static void assert_uses(const LinkMap *map, const char *expected)
{
    g_autoptr(GPtrArray) uses = link_map_uses(map, g_ptr_array_index((GPtrArray *)link_map_links(map), 0));
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < uses->len; i++) {
        const LinkUse *use = g_ptr_array_index(uses, i);
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", use->link->name);
        if (use->table > 0)
            g_string_append_printf(text, " (%u)", use->table);
    }
    ck_assert_str_eq(text->str, expected);
}

START_TEST(a_vlan_with_a_route_uses_the_card_below_it)
{
    g_autoptr(LinkMap) map = link_map_new();
    has(map, 2, "eth1", 0, 0);
    has(map, 3, "eth1.10", 2, 0);
    routes(map, 3, 24, RT_TABLE_MAIN);
    link_map_connect(map, LINK_OWN);
    assert_uses(map, "eth1.10");
}
END_TEST

START_TEST(a_vlan_upon_a_bond_is_told_and_not_the_bond_that_is_only_on_the_way)
{
    g_autoptr(LinkMap) map = link_map_new();
    has(map, 2, "eth1", 0, 9);
    has(map, 3, "eth2", 0, 9);
    has(map, 9, "bond0", 0, 0);
    has(map, 10, "bond0.10", 9, 0);
    link_map_connect(map, LINK_OWN);
    assert_uses(map, "bond0");
    routes(map, 10, 0, 100);
    assert_uses(map, "bond0.10 (100)");
}
END_TEST

/* "ovs-system: <BROADCAST,MULTICAST> … state DOWN" is what ip(8) shows of a switch in full use. */
START_TEST(a_port_of_open_vswitch_is_used_though_its_master_is_down)
{
    g_autoptr(LinkMap) map = link_map_new();
    char info[32];
    struct rtattr kind = {.rta_len = RTA_LENGTH(sizeof("openvswitch")), .rta_type = IFLA_INFO_KIND};
    Message message = begin(RTM_NEWLINK, &(struct ifinfomsg){.ifi_index = 9}, sizeof(struct ifinfomsg));
    add(&message, IFLA_IFNAME, "ovs-system", sizeof("ovs-system"));
    memcpy(info, &kind, sizeof(kind));
    memcpy(info + RTA_LENGTH(0), "openvswitch", sizeof("openvswitch"));
    add(&message, IFLA_LINKINFO, info, kind.rta_len);
    has(map, 2, "eth1", 0, 9);
    ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), 0);
    link_map_connect(map, LINK_OWN);
    assert_uses(map, "ovs-system");
}
END_TEST

START_TEST(of_several_default_routes_that_of_the_main_table_is_told)
{
    g_autoptr(LinkMap) map = link_map_new();
    has(map, 2, "eth1", 0, 0);
    link_map_connect(map, LINK_OWN);
    routes(map, 2, 0, RT_TABLE_MAIN);
    routes(map, 2, 0, 100);
    assert_uses(map, "eth1 (254)");
}
END_TEST

START_TEST(numbers_of_links_are_those_of_their_own_space)
{
    g_autoptr(LinkMap) map = link_map_new();
    Message message = link_message(3, "lan", 2, 0);
    has(map, 2, "eth1", 0, 0);
    ck_assert_int_eq(link_map_read(map, OTHER_SPACE, &message.header), 0);
    link_map_connect(map, 0);
    assert_uses(map, "");
}
END_TEST

START_TEST(a_containers_link_names_our_space_by_its_number)
{
    g_autoptr(LinkMap) map = link_map_new();
    Message message = link_message(3, "lan", 2, 0);
    add_number(&message, IFLA_LINK_NETNSID, 0);
    has(map, 2, "eth1", 0, 0);
    ck_assert_int_eq(link_map_read(map, OTHER_SPACE, &message.header), 0);
    link_map_connect(map, 0);
    assert_uses(map, "lan");
}
END_TEST

START_TEST(the_routes_that_every_link_has_by_itself_do_not_count)
{
    static const unsigned char link_local[16] = {0xfe, 0x80}, many[16] = {0xff};
    g_autoptr(LinkMap) map = link_map_new();
    has(map, 2, "eth1", 0, 0);
    link_map_connect(map, LINK_OWN);
    for (unsigned i = 0; i < 2; i++) {
        Message message = begin(
            RTM_NEWROUTE, &(struct rtmsg){.rtm_family = AF_INET6, .rtm_dst_len = 64, .rtm_type = RTN_UNICAST},
            sizeof(struct rtmsg));
        add(&message, RTA_DST, i == 0 ? link_local : many, 16);
        add_number(&message, RTA_OIF, 2);
        ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), 0);
    }
    assert_uses(map, "");
}
END_TEST

START_TEST(a_message_that_is_cut_off_is_refused_wherever_that_is)
{
    Message messages[] = {link_message(2, "eth1", 7, 8), route_message(2, 0, 100)};
    struct {
        struct rtnexthop way;
        char rest[4];
    } ways = {.way = {.rtnh_len = 64, .rtnh_ifindex = 2}};
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++)
        for (unsigned length = NLMSG_HDRLEN; length < messages[i].header.nlmsg_len; length++) {
            g_autoptr(LinkMap) map = link_map_new();
            g_autofree Message *part = g_memdup2(&messages[i], length);
            part->header.nlmsg_len = length;
            ck_assert_int_le(link_map_read(map, LINK_OWN, &part->header), 0);
        }
    g_autoptr(LinkMap) map = link_map_new();
    Message message = begin(RTM_NEWROUTE, &(struct rtmsg){.rtm_family = AF_INET}, sizeof(struct rtmsg));
    add(&message, RTA_MULTIPATH, &ways, sizeof(ways));
    ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), -EBADMSG);
    ways.way.rtnh_len = 0;
    message = begin(RTM_NEWROUTE, &(struct rtmsg){.rtm_family = AF_INET}, sizeof(struct rtmsg));
    add(&message, RTA_MULTIPATH, &ways, sizeof(ways));
    ck_assert_int_eq(link_map_read(map, LINK_OWN, &message.header), -EBADMSG);
}
END_TEST

START_TEST(thousands_of_vlans_are_told_in_part)
{
    g_autoptr(LinkMap) map = link_map_new();
    has(map, 1, "eth1", 0, 0);
    for (unsigned i = 2; i < 4096; i++) {
        has(map, i, "vlan", 1, 0);
        routes(map, i, 24, RT_TABLE_MAIN);
    }
    link_map_connect(map, LINK_OWN);
    g_autoptr(GPtrArray) uses = link_map_uses(map, g_ptr_array_index((GPtrArray *)link_map_links(map), 0));
    ck_assert_uint_eq(uses->len, 32);
}
END_TEST

SUITE("link-map", a_vlan_with_a_route_uses_the_card_below_it,
      a_vlan_upon_a_bond_is_told_and_not_the_bond_that_is_only_on_the_way,
      a_port_of_open_vswitch_is_used_though_its_master_is_down,
      of_several_default_routes_that_of_the_main_table_is_told, numbers_of_links_are_those_of_their_own_space,
      a_containers_link_names_our_space_by_its_number, the_routes_that_every_link_has_by_itself_do_not_count,
      a_message_that_is_cut_off_is_refused_wherever_that_is, thousands_of_vlans_are_told_in_part)
