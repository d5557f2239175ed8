/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the images and disks of guests, as usher-bind does it: usherd may neither search users' folders nor
 * open a device, and what lies on a dead network must not hold it up. */
#pragma once

#include "../../core/plan/disk-wish.h"
#include "holder-scan.h"

/* Opens what is wished for, makes it if it is not there and that was asked for, and looks into its header.
 * *ret_fd is a descriptor of a regular file or a block device, opened exactly as wished, the latter with
 * O_EXCL: the kernel lets nobody else claim the disk (mount, swap, md, dm, O_EXCL) as long as that open file
 * lives, whichever process holds it (block/bdev.c, bd_may_claim(), whose holder is the struct file; so it
 * goes along with SCM_RIGHTS and dup()).
 *
 * Below /dev/, names may be links, as udev makes them; elsewhere none is followed (-ELOOP): who may write to
 * a folder on the way could lead us to any file. The name is resolved once and looked at again when the disk
 * is open: -ESTALE if it has become another's.
 *
 * Users that claim nothing (holder-kernel.h, a QEMU of others) are looked for besides. To ask (DISK_HOW_ASK)
 * does not open a block device: *ret_fd is its name alone then (O_PATH), and whom the kernel alone knows is
 * not seen.
 *
 * -EOPNOTSUPP: its file system has no direct I/O, which was wished for.
 *
 * 0; or 1 if it is in use: *ret_holders is by whom as far as that can be seen, of *ret_seen only the id is
 * told; or -errno. */
int disk_open(const HolderPlace *place, const DiskWish *wish, DiskSeen **ret_seen, GPtrArray **ret_holders,
              int *ret_fd);
