/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes an empty image that does not exist yet. */
#pragma once

#include "../../core/plan/disk-wish.h"

/* The path goes over no symbolic links, or -ELOOP. The file is made beside under another name, and gets its
 * own when it is whole: never in the place of another (-EEXIST). Root's, mode 0600. A descriptor for reading
 * and writing, or -errno. */
int disk_make(const char *path, const DiskWish *wish);
