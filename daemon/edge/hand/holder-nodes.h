/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device numbers by which a PCI function, or a disk, can be held. */
#pragma once

#include <stdint.h>

#include "holder-scan.h"

typedef struct HolderNode {
    bool block;
    unsigned major, minor;
    char *device; /* the function's address, or the disk's name */
    char *name;   /* the kernel's: "card1", "nvme0n1p1" */
    char *whole;  /* the disk that it is, or is a partition of; NULL of what is stacked upon disks, and of
                     other  nodes */
} HolderNode;

/* A table of HolderNode, owned, to be looked up with holder_node_find(). */
GHashTable *holder_nodes_new(void);
const HolderNode *holder_node_find(GHashTable *nodes, bool block, unsigned major, unsigned minor);

/* Adds the nodes of a function, and to holders the users that are built upon its disks. */
void holder_nodes_add(const HolderPlace *place, const char *address, GHashTable *nodes, GPtrArray *holders);
/* The same for any device, by its folder below /sys; address: its name in the holders. */
void holder_nodes_add_device(const HolderPlace *place, const char *folder, const char *address,
                             GHashTable *nodes, GPtrArray *holders);
/* Adds the nodes of devices that are stacked upon one of them, by its name in sysfs: "loop7". */
void holder_nodes_add_stacked(const HolderPlace *place, const char *name, const char *address,
                              GHashTable *nodes, GPtrArray *holders);
/* The same for a block device, with its partitions; or for a partition, with the disk as a whole. */
void holder_nodes_add_disk(const HolderPlace *place, unsigned major, unsigned minor, GHashTable *nodes,
                           GPtrArray *holders);
