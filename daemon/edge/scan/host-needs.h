/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host itself cannot do without: the disks it runs from, its way to the network, its display. */
#pragma once

#include "host-scan.h"

/* Sets needed_for in a snapshot whose devices are all there and sorted: for mounted file systems (their
 * journals and caches on other disks, ZFS pools and bcachefs, too) and swap,
 * through partitions, device mapper and md; for default routes, through bridges, bonds and VLANs; for the
 * cards that something is shown on, and the one that the firmware used where no other is driven. What is on
 * the way to a needed device is needed too, bridges aside. 0 or -errno. Not seen: what only other mount
 * namespaces mount; default routes of version 4 in other tables than the main one or over the second way of
 * several, which are listed by netlink alone, and that would block the loop (netlink-dump.h); those over
 * Open vSwitch, whose links do not tell of one another; and what stands behind the first thousands of routes.
 * The look at holders finds those. */
int host_needs_note(const HostPlace *place, Host *host);
