/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network cards and what they are connected to. */
#include <string.h>

#include "net-wish.h"
#include "qemu-private.h"

/* Fills in what the card is connected to. */
static void read_backend(Qemu *qemu, Node *backend, NetWish *net)
{
    static const char *const own[] = {"id",     "vhost",      "vhostfd", "vhostfds", "vhostforce",
                                      "script", "downscript", "helper",  "sndbuf",   "queues",
                                      "vlan",   "name",       "poll-us", "hubport",  NULL};
    const char *type = node_take(backend, "type") ?: "user";
    const char *bridge = node_take(backend, "br"), *device = node_take(backend, "ifname");
    bool descriptor = node_take(backend, "fd") || node_take(backend, "fds");

    net->queues = node_look(backend, "queues");
    if (g_str_equal(type, "bridge") || (bridge && g_str_equal(type, "tap"))) {
        net->mode = "bridge";
        net->bridge = bridge ?: "br0";
    } else if (g_str_equal(type, "tap") && device) {
        const char *script = node_look(backend, "script");
        net->mode = "tap";
        net->device = device;
        if (script && !g_str_equal(script, "no"))
            draft_left(qemu->wishes->draft, backend,
                       "%s made %s ready at each start; usher takes a device that is there, or plugs the "
                       "card into a "
                       "bridge with Mode=bridge and Bridge=",
                       script, device);
    } else if (g_str_equal(type, "tap")) {
        net->mode = "user";
        draft_left(qemu->wishes->draft, backend,
                   "the tap device came %s, so the file does not say which bridge it led to; the guest has "
                   "Mode=user, "
                   "write Mode=bridge and Bridge= instead",
                   descriptor ? "as a descriptor" : "from a script");
    } else if (g_str_equal(type, "user") || g_str_equal(type, "none")) {
        net->mode = type;
    } else if (g_str_equal(type, "passt") || strstr(node_look(backend, "addr.path") ?: "", "passt")) {
        net->mode = "user";
        node_take_all(backend);
        draft_differs(qemu->wishes->draft, backend,
                      "passt: Mode=user is QEMU's own network, with the same reach and other addresses");
    } else {
        net->mode = "none";
        draft_left(qemu->wishes->draft, backend, "no Mode= is like %s; the card is connected to nothing",
                   type);
    }
    node_take_each(backend, own);
}

static void read_user(Qemu *qemu, Node *backend, DraftSection *section)
{
    for (unsigned i = 0; i < backend->children->len; i++) {
        Node *child = backend->children->pdata[i];
        if (!g_str_has_prefix(child->name, "hostfwd") || !child->value)
            continue;
        node_take_all(child);
        net_wish_forward(qemu->wishes, section, child->value, backend);
    }
    Node *smb = node_at(backend, "smb");
    if (option_on(backend, "restrict"))
        draft_set(section, "Restrict", backend, "yes");
    if (smb) {
        node_take_all(smb);
        draft_left(qemu->wishes->draft, backend,
                   "the folder %s was shared by SMB; a [Share] section shares it with a guest that has "
                   "virtiofs or 9p",
                   smb->value);
    }
}

/* A line's models are drivers: the same words. */
static void write_card(Qemu *qemu, NetWish *net, Node *backend)
{
    if (backend)
        read_backend(qemu, backend, net);
    else
        net->mode = "none";
    if (!net->name)
        net->name = g_strcmp0(net->mode, "user") == 0 ? "nat" : "lan";
    DraftSection *section = net_wish_write(qemu->wishes, net);
    if (backend)
        read_user(qemu, backend, section);
}

void qemu_read_card(Qemu *qemu, Node *device)
{
    static const char *const own[] = {"netdev", "mq", "vectors", "rx_queue_size", "tx_queue_size", NULL};
    Node *backend = qemu_find(qemu, "-netdev", "id", node_look(device, "netdev"));
    NetWish net = {.id = node_look(device, "id"), .model = node_look(device, "driver"), .from = device};

    net.mac = node_take(device, "mac");
    if (node_take(device, "bootindex"))
        draft_left(qemu->wishes->draft, device,
                   "no key has the guest boot from a network card; choose it in the firmware's menu");
    write_card(qemu, &net, backend);
    qemu_take_place(qemu, device);
    node_take_each(device, own);
}

void qemu_read_nic(Qemu *qemu, Node *option)
{
    NetWish net = {.from = option};

    if (g_strcmp0(node_look(option, "type"), "none") == 0) {
        node_take_all(option);
        draft_differs(qemu->wishes->draft, option, "a guest has the cards of its [Network] sections alone");
        return;
    }
    net.model = node_take(option, "model") ?: "e1000";
    net.mac = node_take(option, "mac") ?: node_take(option, "macaddr");
    write_card(qemu, &net, option);
}

/* -net nic and -net user, tap, bridge: the nth of one with the nth of the other. */
static Node *backend_of(Qemu *qemu, const Node *nic)
{
    Node *backend = NULL;
    unsigned place = 0;

    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        Node *node = qemu->root->children->pdata[i];
        if (node == nic)
            break;
        place += g_str_equal(node->name, "-net") && g_strcmp0(node_look(node, "type"), "nic") == 0;
    }
    for (unsigned i = 0; i < qemu->root->children->len; i++) {
        Node *node = qemu->root->children->pdata[i];
        if (!g_str_equal(node->name, "-net") || g_strcmp0(node_look(node, "type"), "nic") == 0)
            continue;
        backend = node;
        if (place-- == 0)
            break;
    }
    return backend;
}

void qemu_read_net(Qemu *qemu, Node *option)
{
    const char *type = node_look(option, "type");

    if (g_strcmp0(type, "none") == 0) {
        node_take_all(option);
        draft_differs(qemu->wishes->draft, option, "a guest has the cards of its [Network] sections alone");
        return;
    }
    if (g_strcmp0(type, "nic") != 0)
        return;
    Node *netdev = qemu_find(qemu, "-netdev", "id", node_look(option, "netdev"));
    NetWish net = {.model = node_take(option, "model") ?: "e1000", .from = option};
    net.mac = node_take(option, "macaddr") ?: node_take(option, "mac");
    node_take(option, "type");
    node_take(option, "vlan");
    node_take(option, "netdev");
    node_take(option, "name");
    write_card(qemu, &net, netdev ?: backend_of(qemu, option));
}

void qemu_finish_network(Qemu *qemu)
{
    Node from = {.shown = (char *)"QEMU's defaults"};

    if (!qemu->whole || node_at(qemu->root, "-nodefaults") || node_at(qemu->root, "-net") ||
        node_at(qemu->root, "-nic") || node_at(qemu->root, "-netdev"))
        return;
    NetWish net = {.name = "nat", .mode = "user", .model = "e1000", .from = &from};
    net_wish_write(qemu->wishes, &net);
}
