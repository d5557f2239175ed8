/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA nodes of a guest. */
#pragma once

#include "wishes.h"

typedef struct NumaWish {
    guint64 memory;   /* bytes */
    const char *cpus; /* vCPUs, ranges with commas; NULL: none */
    const char *node; /* the host's that has the memory; NULL: any */
} NumaWish;

/* The next node. */
void wish_numa(Wishes *wishes, const NumaWish *wish, const Node *from);
/* A guest of one node needs no section. Takes the whole of from. */
void wish_one_node(Wishes *wishes, Node *from);
