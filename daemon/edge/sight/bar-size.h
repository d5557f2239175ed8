/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sizes of a device's BARs, and what the kernel can make of them
 * (Documentation/ABI/testing/sysfs-bus-pci, resourceN_resize). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../core/host/bar.h"

/* device_fd: the device's folder. sizes: BARS_MAX bytes, 0 for a BAR that has no place. Wakes no device. 0 or
 * -errno. */
int bar_sizes_read(int device_fd, uint64_t *ret);
/* Whether the kernel can resize the BAR. Wakes no device. */
bool bar_resizable(int device_fd, unsigned bar);
/* The sizes that the BAR can have: bit n for 2^n MiB; 0: not known. Wakes the device. */
uint64_t bar_sizes_possible(int device_fd, unsigned bar);
