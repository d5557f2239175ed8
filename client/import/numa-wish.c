/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numa-wish.h"

#include <string.h>

void wish_numa(Wishes *wishes, const NumaWish *wish, const Node *from)
{
    DraftSection *section = draft_add(wishes->draft, "NUMA", "node");
    g_autofree char *memory = wish_size(wish->memory);

    draft_set(section, "Memory", from, "%s", memory);
    if (wish->cpus && *wish->cpus)
        draft_set(section, "CPUs", from, "%s", wish->cpus);
    if (!wish->node || !*wish->node)
        return;
    if (strspn(wish->node, "0123456789") == strlen(wish->node))
        draft_set(section, "Node", from, "%s", wish->node);
    else
        draft_left(wishes->draft, from,
                   "Node= names one NUMA node of the host, and %s is several; without it any node has the "
                   "memory",
                   wish->node);
}

void wish_one_node(Wishes *wishes, Node *from)
{
    draft_same(wishes->draft, from, "a guest without [NUMA] sections has one NUMA node");
}
