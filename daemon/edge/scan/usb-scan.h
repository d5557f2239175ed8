/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads which USB devices are plugged in. */
#pragma once

#include "host-scan.h"

/* Adds USB devices to a snapshot. What the host needs them for is host-needs.h's, except input devices
 * that guests have, and disks that others are built upon. Waits for no lock of a device's: the kernel
 * shows serial numbers under it, so udev is asked for them where it runs. */
void usb_scan(const HostPlace *place, Host *host);
