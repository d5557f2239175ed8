/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network links that carry traffic. Looked for by usherd itself: usher-bind has no network, and sees none. */
#pragma once

#include "../core/holder.h"
#include "host-scan.h"

/* Adds to holders the links of functions (addresses as sysfs writes them, NULL-terminated) that are up and
 * have a route, and so an address, or are part of a bridge or bond. 0 or -errno. */
int holder_links_add(const HostPlace *place, char *const *addresses, GPtrArray *holders);
