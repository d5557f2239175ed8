/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net-wish.h"

#include <string.h>

/* "virtio-net-pci" → "virtio"; what usher does not have becomes the next that every system knows. */
static void set_model(Wishes *wishes, DraftSection *section, const NetWish *net)
{
    const char *model = net->model;

    if (!model || g_str_has_prefix(model, "virtio"))
        model = "virtio";
    if (draft_has_word("Network", "Model", model)) {
        draft_set(section, "Model", net->from, "%s", model);
        return;
    }
    draft_set(section, "Model", net->from, "e1000e");
    draft_differs(wishes->draft, net->from,
                  "usher has no card %s; Model=e1000e is one that most systems have a driver for", model);
}

static void set(DraftSection *section, const char *key, const char *value, const Node *from)
{
    if (value)
        draft_set(section, key, from, "%s", value);
}

DraftSection *net_wish_write(Wishes *wishes, const NetWish *net)
{
    DraftSection *section = draft_add(wishes->draft, "Network", net->name ?: "lan");

    set(section, "Mode", net->mode, net->from);
    set(section, "Bridge", net->bridge, net->from);
    set(section, "Device", net->device, net->from);
    set(section, "Parent", net->parent, net->from);
    set_model(wishes, section, net);
    set(section, "MAC", net->mac, net->from);
    set(section, "Queues", net->queues, net->from);
    if (net->id)
        g_hash_table_insert(wishes->ids, g_strdup(net->id), g_strdup_printf("net-%s", draft_name(section)));
    return section;
}

void net_wish_forward(Wishes *wishes, DraftSection *section, const char *rule, const Node *from)
{
    g_auto(GStrv) halves = g_strsplit(rule, "-", 2);
    g_auto(GStrv) host = g_strsplit(halves[0] ?: "", ":", 3);
    const char *port = halves[0] && halves[1] ? strrchr(halves[1], ':') : NULL;

    if (g_strv_length(host) != 3 || !port) {
        draft_left(wishes->draft, from, "%s is no forward of a port", rule);
        return;
    }
    /* Without an address QEMU listens on all of them. */
    draft_more(section, "Forward", from, "%s:%s:%s:%s", *host[0] ? host[0] : "tcp",
               *host[1] ? host[1] : "0.0.0.0", host[2], port + 1);
}
