/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The own node of a device that a driver of VFIO's has (/dev/vfio/devices/vfio3), for a QEMU that gets it as
 * a descriptor. */
#pragma once

#include "holder-scan.h"

/* Opens the node of the device at an address, by what sysfs says now of the device: its number may be
 * another's by the time that somebody else has read it. Or VFIO_IOMMU, and nothing else: -EINVAL. -ENODEV: no
 * such driver has the device, or the kernel has no such nodes; -errno. */
int vfio_node_open(const HolderPlace *place, const char *what);
