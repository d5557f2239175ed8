/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's own UEFI variables: a copy of the firmware's template, made once and never replaced. */
#pragma once

#include <stdint.h>

/* Opens it for reading and writing. A descriptor, or -errno; -ENOENT: it has not been made yet. */
int nvram_open(const char *path);

/* Makes it, and its folder, as a whole or not at all, from an open template, which is read from its
 * beginning. 0 or -errno; if it is there already, it stays as it is. */
int nvram_make(const char *path, int template);

/* The bytes of flash memory that an image has, of a template likewise. 0 or -errno. */
int nvram_size(const char *path, uint64_t *ret);
