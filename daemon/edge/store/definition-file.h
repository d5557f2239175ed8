/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file that says what is done as root: a definition, a drop-in, settings. It is taken only if it is a
 * file (a FIFO would be waited for), and if nobody but root can write it or put another in its place: neither
 * it, nor a folder above it, may be another's, or writable by group or others. */
#pragma once

#include <stddef.h>

#include "../../base/fault.h"

/* At most limit bytes of it. ret_link: where it is, if it is a link out of its folder; else NULL. Both are
 * the caller's. 0, -errno (-ENOENT, -EFBIG, …), or FAULT_RAISED. */
int definition_file_read(const char *path, size_t limit, char **ret, size_t *ret_size, char **ret_link,
                         Fault **ret_fault);
