/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a disk of the host's is like, for a guest that gets the disk as it is. */
#pragma once

#include <stdbool.h>

typedef struct DiskGeometry {
    unsigned logical;  /* bytes of the sectors that its contents count in; 0: unknown, or no matter */
    unsigned physical; /* bytes that it writes at once; 0: unknown */
    bool solid;        /* nothing rotates */
} DiskGeometry;
