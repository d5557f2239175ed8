/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users inside the kernel that have a block device open, as far as something shows them: above all those
 * that do so without a claim, and let others claim it (disk-claim.h). The list comes from reading who
 * calls bdev_open() without a holder, or opens a node as a file: loop, nvmet, LIO's fileio, the USB
 * gadget's mass storage, rnbd, Xen's blkback, pktcdvd, OCFS2's heartbeat, SCST. NFS's block layout does so
 * too, and nothing shows it. */
#pragma once

#include "holder-scan.h"

/* Adds to holders the users of one of the nodes (holder-nodes.h), and to the nodes those of loop devices,
 * which are a way to use the disk, too. Opens nothing but loop devices over nodes, and waits for no file
 * system: a path is followed as far as the kernel has it cached (RESOLVE_CACHED in openat2(2)), as that of
 * a file in use is. */
void holder_kernel_add(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders);
