/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network links that carry traffic: those of the functions, and the links that are built upon them, in
 * containers too. */
#pragma once

#include "holder-scan.h"

/* Adds to holders the links of functions (addresses as sysfs writes them, NULL-terminated) that are used
 * (link-map.h), by themselves or by what is above them; what has the default route of any table is needed by
 * the host. Asks the kernel by netlink, and so waits while anybody changes its network. 0 or -errno. */
int holder_links_add(const HolderPlace *place, char *const *addresses, GPtrArray *holders);
