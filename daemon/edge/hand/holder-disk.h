/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a disk, or a file that is one: the words for a guest that cannot have it. The kernel has
 * refused it already. */
#pragma once

#include <sys/stat.h>

#include "disk-claim.h"

/* A block device, whole or a partition, by its number: where it or a part of it is mounted or used as
 * swap, what is built upon it or uses it inside the kernel, and which processes have it open. An empty
 * array: nobody was found. */
int holder_scan_disk(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray **ret);
/* The same without the processes: those do not keep others from it. */
void holder_disk_add_kernel(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders);

/* The processes alone. */
int holder_disk_add_processes(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders);

/* Claims the disks among the nodes. 0: the caller frees *ret. 1: a disk is in use, and holders gets those
 * that it does not have yet: the users that user space can name, or the kernel. Or -errno. needs: whether
 * to name also what the snapshot has as HostDevice.needed_for. */
int holder_disk_claim(const HolderPlace *place, GHashTable *nodes, bool needs, DiskClaim **ret,
                      GPtrArray *holders);

/* Adds the loop devices that are made of the file at path. */
void holder_disk_add_loops(const HolderPlace *place, const char *path, GPtrArray *holders);
