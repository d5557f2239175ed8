/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mediated devices that there are, and those that can be made. */
#pragma once

#include "host-scan.h"

/* Adds them to host. One that goes meanwhile is left out. */
void mediated_scan(const HostPlace *place, Host *host);

/* Adds the types that the driver of this device makes; no part of a snapshot, as a card may have hundreds,
 * and it is its driver that answers. count: also how many more can be made, which its driver may keep locked
 * while one is made or removed (get_available() of struct mdev_driver). */
void mediated_scan_types(const HostPlace *place, PciAddress parent, bool count, Host *host);
