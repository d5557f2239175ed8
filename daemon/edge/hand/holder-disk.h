/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a disk, or a file that is one: what usher-bind tells when a guest cannot have it. As the kernel
 * has refused it already, this only finds the words. */
#pragma once

#include <sys/stat.h>

#include "disk-claim.h"

/* A block device, whole or a partition, by its number: where it or a part of it is mounted or swapped to,
 * what is built upon it or uses it inside the kernel, and which processes have it open. An empty array:
 * nobody could be seen. */
int holder_scan_disk(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray **ret);
/* The same without the processes: those do not keep others from it. */
void holder_disk_add_kernel(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders);

/* The processes alone. */
int holder_disk_add_processes(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders);

/* Claims the disks among the nodes. 0: the caller frees *ret. 1: one is in use, and to holders are added
 * those who are not there yet: whoever user space can tell, or the kernel. Or -errno. needs: what the
 * snapshot tells as HostDevice.needed_for is told, too. */
int holder_disk_claim(const HolderPlace *place, GHashTable *nodes, bool needs, DiskClaim **ret,
                      GPtrArray *holders);

/* Adds the loop devices that are made of the file at path. */
void holder_disk_add_loops(const HolderPlace *place, const char *path, GPtrArray *holders);
