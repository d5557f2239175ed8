/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that holds a command line of QEMU's. */
#pragma once

#include "node.h"

/* One argument a line, or with a NUL after each, or a line of a shell. NULL: *ret_why says why not; the
 * caller frees either. */
Node *qemu_text_parse(const char *path, const char *text, size_t size, char **ret_why);
