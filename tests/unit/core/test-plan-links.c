/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What network cards need of the host. */
#include "../../../daemon/base/remedy.h"
#include "../../../daemon/core/definition/definition.h"
#include "../suite.h"
#include "a-plan.h"

/* br0 with its port eth0, virbr0, eth1, a persistent tap device, and what usher made for another guest. */
static Host *a_network(void)
{
    Host *host = host_new();

    host_add_link(host, "br0")->bridge = true;
    host_add_link(host, "eth0")->master = g_strdup("br0");
    host_add_link(host, "eth1");
    host_add_link(host, "lo");
    host_add_link(host, "tap0")->tap = true;
    host_add_link(host, "ush-other_lan");
    host_add_link(host, "virbr0")->bridge = true;
    host->macvtap = true;
    return host;
}

/* [Network lan] with these keys is refused. */
static void assert_lan_refused(const Host *host, const char *keys, const char *message, const char *remedy)
{
    g_autofree char *text = g_strdup_printf("[Network lan]\n%s\n", keys),
                    *whole = g_strdup_printf("guest win10: [Network lan] %s", message);

    assert_no_plan(host, text, FAULT_REFUSED, whole, remedy);
}

START_TEST(a_card_on_a_bridge_gets_a_link_of_its_own)
{
    g_autoptr(Host) host = a_network();
    g_autoptr(Plan) plan = a_plan(host, "[Network lan]\nMode=bridge\nBridge=br0\nMAC=52:54:00:12:34:56\n");

    ck_assert_uint_eq(plan->steps->len, 1);
    assert_step(plan, 0, "link of ush-win10_lan: none → tap on br0 as fe:54:00:12:34:56");
    ck_assert(!plan->vhost_net);
    host->vhost_net = true;
    g_autoptr(Plan) fast = a_plan(host, "[Network lan]\nMode=bridge\nBridge=br0\n");
    ck_assert(fast->vhost_net);
}
END_TEST

START_TEST(a_macvtap_device_has_the_guests_own_address_and_its_driver_first)
{
    g_autoptr(Host) host = a_network();
    static const char text[] = "[Network lan]\nMode=macvtap\nParent=eth1\nMAC=52:54:00:12:34:56\n";
    g_autoptr(Plan) plan = a_plan(host, text);

    ck_assert_uint_eq(plan->steps->len, 1);
    assert_step(plan, 0, "link of ush-win10_lan: none → macvtap on eth1 as 52:54:00:12:34:56");
    host->macvtap = false;
    g_autoptr(Plan) more = a_plan(host, text);
    ck_assert_uint_eq(more->steps->len, 2);
    assert_step(more, 0, "module of macvtap: absent → live");
}
END_TEST

START_TEST(a_tap_device_of_somebody_elses_is_taken_as_it_is)
{
    g_autoptr(Host) host = a_network();
    g_autoptr(Plan) plan =
        a_plan(host, "[Network lan]\nMode=tap\nDevice=tap0\n[Network nat]\n[Network x]\nMode=none\n");

    ck_assert_uint_eq(plan->steps->len, 0);
}
END_TEST

START_TEST(a_bridge_that_is_not_there_is_refused_with_those_that_are)
{
    g_autoptr(Host) host = a_network();

    assert_lan_refused(host, "Mode=bridge\nBridge=br1", "Bridge=br1: this host has no such bridge",
                       "name one of those that exist: br0, virbr0");
    assert_lan_refused(host, "Mode=bridge\nBridge=eth1", "Bridge=eth1: it is not a bridge",
                       "name one of those that exist: br0, virbr0");
}
END_TEST

START_TEST(a_tap_device_that_is_not_there_is_refused_with_those_that_are)
{
    g_autoptr(Host) host = a_network(), bare = host_new();

    assert_lan_refused(host, "Mode=tap\nDevice=eth1", "Device=eth1: it is not a persistent tap device",
                       "name one of those that exist: tap0");
    assert_lan_refused(bare, "Mode=tap\nDevice=tap1", "Device=tap1: this host has no such tap device",
                       "make it: ip tuntap add tap1 mode tap");
}
END_TEST

START_TEST(a_card_with_queues_gets_a_link_with_queues)
{
    g_autoptr(Host) host = a_network();
    g_autoptr(Plan) plan =
        a_plan(host, "[Network lan]\nMode=bridge\nBridge=br0\nQueues=2\nMAC=52:54:00:12:34:56\n");

    assert_step(plan, 0, "link of ush-win10_lan: none → mqtap on br0 as fe:54:00:12:34:56");
    assert_lan_refused(
        host, "Mode=tap\nDevice=tap0\nQueues=2", "Queues=2: the tap device tap0 has one queue",
        "make it anew with multi_queue: ip tuntap del tap0 mode tap, and ip tuntap add tap0 mode "
        "tap multi_queue; or remove Queues=");
    ((HostLink *)host_find_link(host, "tap0"))->multi_queue = true;
    g_autoptr(Plan) taken = a_plan(host, "[Network lan]\nMode=tap\nDevice=tap0\nQueues=2\n");
    ck_assert_uint_eq(taken->steps->len, 0);
}
END_TEST

START_TEST(a_parent_that_cannot_be_shared_is_refused_with_those_that_can)
{
    g_autoptr(Host) host = a_network();

    assert_lan_refused(host, "Mode=macvtap\nParent=eth7",
                       "Parent=eth7: this host has no such network interface",
                       "name one of those that exist: br0, eth1, tap0, virbr0");
    assert_lan_refused(host, "Mode=macvtap\nParent=eth0", "Parent=eth0: it is a port of br0",
                       "if that is a bridge, write Mode=bridge and Bridge=br0; or name br0");
    assert_lan_refused(host, "Mode=macvtap\nParent=lo", "Parent=lo: it cannot carry a macvtap device",
                       "name one of those that exist: br0, eth1, tap0, virbr0");
}
END_TEST

START_TEST(a_link_of_that_name_is_nobodys_to_take_over)
{
    g_autoptr(Host) host = a_network();

    host_add_link(host, "ush-win10_lan");
    assert_no_plan(
        host, "[Network lan]\nMode=bridge\nBridge=br0\n", FAULT_IN_USE,
        "guest win10: [Network lan] needs a new link called ush-win10_lan, but this host has one already",
        "if nobody uses that link: ip link delete ush-win10_lan");
}
END_TEST

START_TEST(a_guest_of_mode_nat_has_its_use_of_the_network_begun_once_and_first)
{
    g_autoptr(Host) host = a_network();
    static const char text[] = "[Network lan]\nMode=nat\nMAC=52:54:00:12:34:56\n[Network two]\nMode=nat\n"
                               "Queues=2\nMAC=52:54:00:12:34:57\n";
    g_autoptr(Plan) plan = a_plan(host, text);

    ck_assert_uint_eq(plan->steps->len, 3);
    assert_step(plan, 0, "unit of usher-nat@win10.target: inactive → active");
    assert_step(plan, 1, "link of ush-win10_lan: none → tap on usher0 as fe:54:00:12:34:56");
    assert_step(plan, 2, "link of ush-win10_two: none → mqtap on usher0 as fe:54:00:12:34:57");
    host_add_link(host, "usher0")->nat = true;
    g_autoptr(Plan) second = a_plan(host, text);
    ck_assert_uint_eq(second->steps->len, 3);
}
END_TEST

START_TEST(the_bridge_of_mode_nat_is_for_that_mode_alone)
{
    g_autoptr(Host) host = a_network();

    host_add_link(host, "usher0")->bridge = true;
    assert_lan_refused(host, "Mode=bridge\nBridge=usher0",
                       "Bridge=usher0: it goes with the last guest that has Mode=nat",
                       "write Mode=nat, and remove Bridge=");
    assert_lan_refused(host, "Mode=bridge\nBridge=br1", "Bridge=br1: this host has no such bridge",
                       "name one of those that exist: br0, virbr0");
    assert_lan_refused(host, "Mode=macvtap\nParent=usher0", "Parent=usher0: it cannot carry a macvtap device",
                       "name one of those that exist: br0, eth1, tap0, virbr0");
}
END_TEST

START_TEST(a_link_that_has_the_bridges_name_is_nobodys_to_take_over)
{
    g_autoptr(Host) host = a_network();

    host_add_link(host, "usher0")->bridge = true;
    assert_no_plan(
        host, "[Network lan]\nMode=nat\n", FAULT_IN_USE,
        "guest win10: [Network lan] Mode=nat needs a bridge called usher0, but this host has another "
        "link of that name",
        "rename that link, or remove it: ip link delete usher0");
}
END_TEST

#define BR1 "Mode=bridge\nBridge=br1", "Bridge=br1: this host has no such bridge"
#define OR_NAT "; or write Mode=nat, which needs no bridge"

START_TEST(a_host_without_bridges_is_told_how_it_makes_one_of_its_card)
{
    g_autoptr(Host) bare = a_host(), wireless = a_host();

    host_add_link(bare, "enp3s0");
    host_add_link(bare, "eno1");
    a_device(bare, "0000:04:00.0", 4, "igc")->needed_for = g_strdup("default route over eno1");
    remedy_speak_for((RemedyPlace){.network = NETWORK_SETUP_NETWORK_MANAGER});
    assert_lan_refused(
        bare, BR1,
        "make it: nmcli connection add type bridge con-name br1 ifname br1 bridge.stp no && nmcli "
        "connection add type ethernet con-name br1-port ifname eno1 master br1 "
        "connection.autoconnect-priority 1 && nmcli connection up br1-port" OR_NAT);
    remedy_speak_for((RemedyPlace){});
    assert_lan_refused(bare, BR1,
                       "make it with what sets up this host's network, with eno1 as its port" OR_NAT);
    host_add_link(wireless, "wlp2s0");
    a_device(wireless, "0000:04:00.0", 4, "iwlwifi")->needed_for = g_strdup("default route over wlp2s0");
    assert_lan_refused(wireless, BR1, "write Mode=nat: this host has no network card by cable for a bridge");
}
END_TEST

static char *link_of(const char *guest, const char *section)
{
    g_autofree char *text = g_strdup_printf("[Network %s]\nMode=bridge\nBridge=br0\n", section);
    DefinitionText file = {FILE_PATH, text, strlen(text)};
    g_autoptr(GuestDefinition) definition = NULL;

    ck_assert_int_eq(definition_parse(guest, &file, 1, &definition, NULL), 0);
    return g_strdup(((const DefinitionNetwork *)g_ptr_array_index(definition->networks, 0))->link);
}

START_TEST(names_of_links_are_short_and_unlike)
{
    g_autofree char *fits = link_of("debian", "lan1"), *cut = link_of("debian", "lan12"),
                    *other = link_of("debian", "lan13"), *left = link_of("a-b", "c"),
                    *right = link_of("a", "b-c");

    ck_assert_str_eq(fits, "ush-debian_lan1");
    ck_assert_uint_eq(strlen(cut), LINK_NAME_MAX);
    ck_assert(g_str_has_prefix(cut, "ush-debi_"));
    ck_assert_str_ne(cut, other);
    ck_assert_str_ne(left, right);
}
END_TEST

SUITE("plan-links", a_card_on_a_bridge_gets_a_link_of_its_own,
      a_macvtap_device_has_the_guests_own_address_and_its_driver_first,
      a_tap_device_of_somebody_elses_is_taken_as_it_is,
      a_bridge_that_is_not_there_is_refused_with_those_that_are,
      a_tap_device_that_is_not_there_is_refused_with_those_that_are,
      a_parent_that_cannot_be_shared_is_refused_with_those_that_can,
      a_card_with_queues_gets_a_link_with_queues, a_link_of_that_name_is_nobodys_to_take_over,
      a_guest_of_mode_nat_has_its_use_of_the_network_begun_once_and_first,
      the_bridge_of_mode_nat_is_for_that_mode_alone, a_link_that_has_the_bridges_name_is_nobodys_to_take_over,
      a_host_without_bridges_is_told_how_it_makes_one_of_its_card, names_of_links_are_short_and_unlike)
