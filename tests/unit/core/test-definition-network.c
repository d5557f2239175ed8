/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the keys of [Network] say together. */
#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/core/definition/value.h"
#include "../suite.h"
#include "a-definition.h"

static const DefinitionNetwork *network_of(const GuestDefinition *definition, unsigned index)
{
    return g_ptr_array_index(definition->networks, index);
}

static void assert_forward(const DefinitionNetwork *network, unsigned index, bool udp, const char *address,
                           unsigned host_port, unsigned guest_port)
{
    const DefinitionForward *forward = g_ptr_array_index(network->forwards, index);

    ck_assert(forward->udp == udp);
    ck_assert_str_eq(forward->address, address);
    ck_assert_uint_eq(forward->host_port, host_port);
    ck_assert_uint_eq(forward->guest_port, guest_port);
}

START_TEST(forwards_add_up_and_lead_to_the_host_alone_unless_told_otherwise)
{
    g_autoptr(GuestDefinition) definition =
        a_definition_with("[Network a]\nForward=tcp:127.0.0.1:3389:3390\nForward=udp:53:1\n",
                          "[Network a]\nForward=tcp:0.0.0.0:65535:65535\n");
    const DefinitionNetwork *network = network_of(definition, 0);

    ck_assert_uint_eq(network->forwards->len, 3);
    assert_forward(network, 0, false, "127.0.0.1", 3389, 3390);
    assert_forward(network, 1, true, "127.0.0.1", 53, 1);
    assert_forward(network, 2, false, "0.0.0.0", 65535, 65535);
}
END_TEST

START_TEST(an_empty_assignment_takes_all_forwards_away)
{
    g_autoptr(GuestDefinition) definition = a_definition_with(
        "[Network a]\nForward=tcp:1:1\nForward=tcp:2:2\n", "[Network a]\nForward=\nForward=udp:1:1\n");
    const DefinitionNetwork *network = network_of(definition, 0);

    ck_assert_uint_eq(network->forwards->len, 1);
    assert_forward(network, 0, true, "127.0.0.1", 1, 1);
}
END_TEST

START_TEST(what_is_no_forward_is_refused)
{
    const DefinitionKey *key = definition_key_find(SECTION_NETWORK, "Forward");
    static const char *const bad[] = {
        "tcp",
        "tcp:1",
        "1:1",
        "tcp:0:1",
        "tcp:1:0",
        "tcp:65536:1",
        "tcp:1:65536",
        "tcp:-1:1",
        "tcp:1:1:1",
        "tcp:localhost:1:1",
        "tcp:::1:1:1",
        "sctp:1:1",
        "TCP:1:1",
        "tcp:127.0.0.1:1",
        "tcp:127.0.0.1:1:1:1",
        "tcp:1:1,id=x",
        "tcp:1.2.3:1:1",
        "tcp: 1:1",
        "tcp:127.0.0.1:1-:1",
        ":1:1",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        GPtrArray *forwards = NULL;
        g_autofree char *hint = NULL;
        DefinitionKey row = *key;
        row.offset = 0;
        ck_assert_msg(!value_set(&row, bad[i], &forwards, &hint), "%s is taken", bad[i]);
        ck_assert_ptr_null(forwards);
    }
    assert_refused(
        "[Network a]\nForward=tcp::3389:3389\n",
        FILE_PATH
        ":2: [Network a] Forward=tcp::3389:3389 is not a protocol, an IPv4 address of the host, a port of "
        "the host and one of the guest such as tcp:127.0.0.1:3389:3389",
        "write tcp:3389:3389 for the host alone, tcp:0.0.0.0:3389:3389 for everybody");
}
END_TEST

START_TEST(a_port_that_is_forwarded_twice_is_told_with_both_lines)
{
    assert_refused("[Network a]\nForward=tcp:3389:1\nForward=udp:3389:1\nForward=tcp:3389:2\n",
                   FILE_PATH ":4: [Network a] Forward= takes TCP port 3389 of the host, which " FILE_PATH
                             ":2 takes too",
                   "choose another port of the host in one of the two");
    assert_refused_with("[Network a]\nForward=tcp:127.0.0.2:80:1\n",
                        "[Network b]\nForward=tcp:1:1\nForward=tcp:0.0.0.0:80:1\n",
                        DROP_IN_PATH
                        ":3: [Network b] Forward= takes TCP port 80 of the host, which " FILE_PATH
                        ":2 takes too",
                        "choose another port of the host in one of the two");
    g_autoptr(GuestDefinition) fine =
        a_definition("[Network a]\nForward=tcp:127.0.0.2:80:1\nForward=tcp:80:1\nForward=udp:0.0.0.0:80:1\n");
    ck_assert_uint_eq(network_of(fine, 0)->forwards->len, 3);
}
END_TEST

START_TEST(lines_of_forwards_are_those_after_an_empty_one)
{
    assert_refused("[Network a]\nForward=tcp:1:1\nForward=\nForward=tcp:2:1\nForward=tcp:2:2\n",
                   FILE_PATH ":5: [Network a] Forward= takes TCP port 2 of the host, which " FILE_PATH
                             ":4 takes too",
                   "choose another port of the host in one of the two");
}
END_TEST

START_TEST(keys_of_another_mode_are_refused_where_they_stand)
{
    assert_refused("[Network a]\nForward=tcp:1:1\nMode=none\n",
                   FILE_PATH ":2: [Network a] Forward= works with Mode=user only",
                   "remove it, or set Mode=user");
    assert_refused("[Network a]\nMode=none\nRestrict=yes\n",
                   FILE_PATH ":3: [Network a] Restrict= works with Mode=user only",
                   "remove it, or set Mode=user");
}
END_TEST

START_TEST(queues_are_for_virtio_cards_on_a_link_of_the_hosts)
{
    assert_refused("[Network a]\nQueues=2\n",
                   FILE_PATH ":2: [Network a] Queues= needs a link of the host's, and Mode=user has none",
                   "remove it, or set Mode=nat, bridge, tap or macvtap");
    assert_refused("[Network a]\nMode=tap\nDevice=t0\nModel=e1000e\nQueues=2\n",
                   FILE_PATH ":5: [Network a] Queues= works with Model=virtio only",
                   "remove it, or set Model=virtio");
    assert_refused("[Network a]\nMode=tap\nDevice=t0\nQueues=32\n"
                   "[Network b]\nMode=tap\nDevice=t1\nQueues=33\n",
                   FILE_PATH
                   ":4: [Network a] Queues=32: the guest's cards have 65 queues together, and at most "
                   "64 are possible",
                   "write as many as there are vCPUs");
    g_autoptr(GuestDefinition) fine = a_definition("[Network a]\nQueues=1\n");
    ck_assert_uint_eq(network_of(fine, 0)->queues, 1);
}
END_TEST

START_TEST(each_mode_needs_what_it_is_connected_to)
{
    assert_refused("[Network a]\nMode=bridge\n",
                   FILE_PATH ":2: [Network a] Mode=bridge needs Bridge=", "add Bridge= with its name");
    assert_refused("[Network a]\nMode=tap\nBridge=br0\n",
                   FILE_PATH ":3: [Network a] Bridge= works with Mode=bridge only",
                   "remove it, or set Mode=bridge");
    assert_refused("[Network a]\nMode=macvtap\n",
                   FILE_PATH ":2: [Network a] Mode=macvtap needs Parent=", "add Parent= with its name");
    assert_refused("[Network a]\nMode=tap\nDevice=/dev/net/tun\n",
                   FILE_PATH
                   ":3: [Network a] Device=/dev/net/tun is not a word of letters, digits, dots, dashes and "
                   "underscores, at most 15",
                   NULL);
    assert_refused("[Network a]\nMode=tap\nDevice=t0\n[Network b]\nMode=tap\nDevice=t0\n",
                   FILE_PATH ":6: [Network b] has the same Device= as [Network a]",
                   "change or remove one of them");
}
END_TEST

SUITE("definition-network", queues_are_for_virtio_cards_on_a_link_of_the_hosts,
      each_mode_needs_what_it_is_connected_to,
      forwards_add_up_and_lead_to_the_host_alone_unless_told_otherwise,
      an_empty_assignment_takes_all_forwards_away, what_is_no_forward_is_refused,
      a_port_that_is_forwarded_twice_is_told_with_both_lines, lines_of_forwards_are_those_after_an_empty_one,
      keys_of_another_mode_are_refused_where_they_stand)
