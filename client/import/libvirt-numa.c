/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <numa> of <cpu>, with what <numatune> says of its cells. */
#include <stdlib.h>

#include "libvirt-private.h"
#include "numa-wish.h"

/* The number that a cell has: its place if it says none. */
static unsigned number_of(const Node *cell, unsigned place)
{
    const char *id = node_look(cell, "@id");

    return id ? strtoul(id, NULL, 10) : place;
}

static Node *find_cell(const Node *numa, unsigned number)
{
    unsigned place = 0;

    for (unsigned i = 0; i < numa->children->len; i++) {
        Node *cell = numa->children->pdata[i];
        if (g_str_equal(cell->name, "cell") && number_of(cell, place++) == number)
            return cell;
    }
    return NULL;
}

/* The host's nodes of a cell; NULL: not said. */
static const char *nodes_of(const Libvirt *libvirt, unsigned number)
{
    const Node *tune = node_at(libvirt->root, "numatune");

    for (unsigned i = 0; tune && i < tune->children->len; i++) {
        Node *one = tune->children->pdata[i];
        const char *cell = node_look(one, "@cellid");
        if (!g_str_equal(one->name, "memnode") || !cell || strtoul(cell, NULL, 10) != number)
            continue;
        const char *nodes = node_look(one, "@nodeset");
        node_take_all(one);
        return nodes;
    }
    return NULL;
}

static void read_cell(Libvirt *libvirt, Node *cell, unsigned number)
{
    Node *distances = node_at(cell, "distances");
    NumaWish wish = {.memory = libvirt_bytes(cell, node_take(cell, "@memory")),
                     .cpus = node_take(cell, "@cpus"),
                     .node = nodes_of(libvirt, number)};

    node_take(cell, "@id");
    node_take(cell, "@memAccess");
    node_take(cell, "@discard");
    wish_numa(libvirt->wishes, &wish, cell);
    if (!distances)
        return;
    node_take_all(distances);
    draft_left(libvirt->wishes->draft, distances, "the guest's other nodes are at QEMU's usual distance, 20");
}

void libvirt_read_numa(Libvirt *libvirt, Node *numa)
{
    unsigned n = 0;

    for (unsigned i = 0; i < numa->children->len; i++)
        n += g_str_equal(((const Node *)numa->children->pdata[i])->name, "cell");
    if (n < 2) {
        const char *node = n == 1 ? nodes_of(libvirt, 0) : NULL;
        if (node)
            draft_set(draft_section(libvirt->wishes->draft, "Memory"), "Node", numa, "%s", node);
        wish_one_node(libvirt->wishes, numa);
        return;
    }
    for (unsigned number = 0; number < n; number++) {
        Node *cell = find_cell(numa, number);
        if (cell)
            read_cell(libvirt, cell, number);
    }
}
