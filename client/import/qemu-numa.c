/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -numa, with the memory that it names. */
#include <stdlib.h>

#include "numa-wish.h"
#include "qemu-private.h"

static bool is_node(const Node *option)
{
    return g_str_equal(option->name, "-numa") &&
           (!node_look(option, "type") || g_str_equal(node_look(option, "type"), "node"));
}

bool qemu_has_numa(const Qemu *qemu)
{
    unsigned n = 0;

    for (unsigned i = 0; i < qemu->root->children->len; i++)
        n += is_node(qemu->root->children->pdata[i]);
    return n > 1;
}

/* "cpus" stands there once for each range. */
static char *cpus_of(const Node *option)
{
    GString *all = g_string_new(NULL);

    for (unsigned i = 0; i < option->children->len; i++) {
        const Node *child = option->children->pdata[i];
        if (g_str_has_prefix(child->name, "cpus") && child->value)
            g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", child->value);
    }
    return g_string_free(all, FALSE);
}

void qemu_read_numa(Qemu *qemu, Node *option)
{
    const char *memdev = node_look(option, "memdev");
    const Node *backend = memdev ? qemu_find(qemu, "-object", "id", memdev) : NULL;
    const char *size = backend ? node_look(backend, "size") : node_look(option, "mem");
    g_autofree char *cpus = cpus_of(option);

    if (!qemu_has_numa(qemu)) {
        wish_one_node(qemu->wishes, option);
        return;
    }
    node_take_all(option);
    if (!is_node(option) || !size) {
        draft_left(qemu->wishes->draft, option,
                   "write CPUs= of the [NUMA] sections; distances are QEMU's usual ones");
        return;
    }
    NumaWish wish = {.memory = wish_parse_size(size, backend ? 1 : 1 << 20), .cpus = cpus};
    if (backend)
        wish.node = node_look(backend, "host-nodes") ?: node_look(backend, "host-nodes.0");
    wish_numa(qemu->wishes, &wish, option);
}
