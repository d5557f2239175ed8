/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what the kernel says of a block device's sectors. */
#pragma once

#include "../../core/definition/disk-geometry.h"

/* sys_fd: /sys. The contents of a partition, and of what device-mapper makes, may have been written by a
 * guest that saw sectors of 512 bytes: of these logical is 0. */
DiskGeometry disk_geometry_read(int sys_fd, unsigned major, unsigned minor);
