/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has a block device open inside the kernel, as far as something tells: above all who does so without a
 * claim, and lets another claim it (disk-claim.h). Found by reading who calls bdev_open() without a holder,
 * or opens a node as a file: loop, nvmet, LIO's fileio, the USB gadget's mass storage, rnbd, Xen's blkback,
 * pktcdvd, OCFS2's heartbeat, SCST. Of NFS's block layout, which does too, nothing tells. */
#pragma once

#include "holder-scan.h"

/* Adds to holders what uses one of the nodes (holder-nodes.h), and to the nodes those of loop devices, which
 * are a way to use the disk, too. Opens nothing but loop devices over nodes, and waits for no file system: a
 * path is followed as far as the kernel has it at hand (RESOLVE_CACHED in openat2(2)), as that of a file in
 * use is. */
void holder_kernel_add(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders);
