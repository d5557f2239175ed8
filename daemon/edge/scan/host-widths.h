/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many bits the host's addresses have. */
#pragma once

#include "host-scan.h"

typedef struct HostWidths {
    unsigned cpu;   /* of a physical address; 0: unknown */
    unsigned iommu; /* of an address that a device may use, of the narrowest IOMMU; 0: none tells */
} HostWidths;

HostWidths host_widths_read(const HostPlace *place);
