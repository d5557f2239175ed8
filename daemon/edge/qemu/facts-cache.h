/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that keeps what a QEMU said it can do, so that it is asked once and not at each boot. */
#pragma once

#include "../../core/qemu/facts.h"

/* Of the program at path, as it was when it was asked; NULL: nobody has written any, or what is there is not
 * valid, which is logged. The caller frees them. dir_fd: -1: there is no cache. */
QemuFacts *facts_cache_read(int dir_fd, const char *path);

/* A failure is logged, as QEMU can be asked again. */
void facts_cache_write(int dir_fd, const QemuFacts *facts);
