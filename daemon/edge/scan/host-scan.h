/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the host: one snapshot of all PCI functions from sysfs, read-only. Nothing that it reads wakes a
 * sleeping device: config space only of those awake, and power settings as the kernel remembers them. */
#pragma once

#include "../../core/host/host.h"
#include "vfio-scan.h"

typedef struct HostPlace {
    int sys_fd;           /* /sys */
    int proc_fd;          /* /proc: mounts, swaps, routes */
    int dev_fd;           /* /dev */
    VfioModules *modules; /* of the kernel; NULL: nothing is known of them */
} HostPlace;

/* skip: addresses (text) whose driver_override and uevent must not be read, or NULL. Those with a value (a
 * set has one) hang in the kernel: they come out with stuck set, and driver and override left empty. Those
 * with the value NULL have a step taken on them just now: override is left empty, and config space unread, as
 * that waits for a reset. A device that somebody else is unbinding from vfio-pci, while it is in use, comes
 * out with stuck set too. A device that goes meanwhile is left out. 0 or -errno; *ret is the caller's. 4,096
 * functions take well under a second. */
int host_scan(const HostPlace *place, GHashTable *skip, Host **ret);

/* Reads one function again and replaces it in the snapshot, as a look at all takes a thousand system calls
 * and more. What takes a look at the others stays as it was (needed_for). -ENOENT, or whatever
 * else says that it is gone: the snapshot is as before then. */
int host_scan_again(const HostPlace *place, GHashTable *skip, Host *host, PciAddress address);
