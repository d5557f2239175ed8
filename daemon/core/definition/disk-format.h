/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

typedef enum DiskFormat {
    DISK_FORMAT_RAW,
    DISK_FORMAT_QCOW2,
    DISK_FORMAT_MAX,
    DISK_FORMAT_INVALID = -EINVAL,
} DiskFormat;
