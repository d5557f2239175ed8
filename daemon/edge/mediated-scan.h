/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mediated devices that there are, and those that can be made. */
#pragma once

#include "host-scan.h"

/* Adds them to host. One that goes meanwhile is left out. */
/* skip: as host_scan() takes it. With the UUID of a mediated device in it, how many more can be made is
 * unknown. */
void mediated_scan(const HostPlace *place, GHashTable *skip, Host *host);
