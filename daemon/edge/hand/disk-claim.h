/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel itself whether anybody uses the disks of a device, and keeps everybody off them meanwhile:
 * lists of those that user space knows (mounts, swap, device mapper) never end. What holds a disk and claims
 * nothing has to be looked for besides (holder-kernel.h, holder-scan.h). */
#pragma once

#include "holder-scan.h"

/* The disks that are claimed, as descriptors. */
typedef GArray DiskClaim;

/* Claims each disk among the nodes (holder-nodes.h) with all its partitions, by O_EXCL. While the claim
 * lives, everybody else who claims a disk fails: mounts, swap, md, device mapper, journals, caches, ZFS
 * (block/bdev.c, bd_prepare_to_claim()). So it is only for callers who are about to take the disk, or may. A
 * claim of others for less than a fifth of a second is waited for: udev's cdrom_id claims for a look, and so
 * may another question.
 *
 * 0: the caller frees *ret. 1: a disk is in use; busy gets the names (char*, owned by it) of the disks or
 * partitions that are. Or -errno. A disk without a node in /dev, or one that has just gone, is in nobody's
 * use. */
int disk_claim_take(const HolderPlace *place, GHashTable *nodes, DiskClaim **ret, GPtrArray *busy);

/* Lets go. NULL is fine; returns NULL. */
DiskClaim *disk_claim_free(DiskClaim *claim);
