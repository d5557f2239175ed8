/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for who uses PCI functions: what usher-bind does before one is taken from its driver, as it takes
 * CAP_SYS_PTRACE to see what other processes have open. Reads only, and nothing that a hanging write to the
 * device would hold up. */
#pragma once

#include <sys/stat.h>

#include "../../core/host/holder.h"

/* Where the host is, as directory descriptors; a test hands in others. */
typedef struct HolderPlace {
    int sys_fd;  /* /sys */
    int proc_fd; /* /proc */
    int dev_fd;  /* /dev */
} HolderPlace;

/* The processes that have any of these nodes (holder-nodes.h), or the file itself, open. Added to holders. */
int holder_scan_nodes(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders);
int holder_scan_file(const HolderPlace *place, const char *path, const struct stat *st, GPtrArray *holders);

/* The holders of functions (addresses as sysfs writes them, or the UUIDs of mediated devices;
 * NULL-terminated), in the order of processes. The nodes of a function are those of every device in its sysfs
 * subtree, USB devices below a controller included, of what is stacked upon its disks, of its VFIO group, and
 * what NVIDIA's driver keeps outside of sysfs. 0 or -errno; *ret is the caller's.
 *
 * Left out: init, logind and udev, who keep nodes open on behalf of others and let go when a device goes; and
 * the reference counts of modules, which do not tell of which device. A process that goes meanwhile holds
 * nothing.
 *
 * claim: the kernel is asked besides whether the disks are in use (holder_disk_claim()), which takes them for
 * a moment: whoever mounts one just then fails. So it is for those alone who may take the device. */
int holder_scan(const HolderPlace *place, char *const *addresses, bool claim, GPtrArray **ret);
