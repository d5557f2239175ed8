/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells one QEMU on disk from another, to know whether its answers are still its own. Its modules count:
 * distributions have them in packages of their own, which come and go while the program stays as it is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct QemuBinary {
    uint64_t inode, size, mtime_nsec;
    uint64_t modules_nsec; /* when a folder of modules changed last; 0: there is none */
} QemuBinary;

/* path: the program. 0 or -errno. */
int qemu_binary_look(const char *path, QemuBinary *ret);
bool qemu_binary_same(const QemuBinary *a, const QemuBinary *b);
