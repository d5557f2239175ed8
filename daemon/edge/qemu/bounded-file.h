/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that is appended to and never longer than its limit: what would make it so goes into a new one, and
 * the old one stays as NAME.1. Whoever else empties or removes it is followed. It is written by this process
 * alone. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

typedef struct BoundedFile BoundedFile;

/* Opens (creating, 0640) dir_fd/name; limit in bytes. dir_fd is not needed any more afterwards. 0 or -errno.
 */
int bounded_file_open(int dir_fd, const char *name, size_t limit, BoundedFile **ret);
/* The files stay. NULL is fine; returns NULL. */
BoundedFile *bounded_file_close(BoundedFile *file);
/* size: at most the limit. Data that cannot be written (a full disk, say) is lost, and the log says so,
 * once. */
void bounded_file_append(BoundedFile *file, const char *bytes, size_t size);
/* Bytes in it. */
size_t bounded_file_size(const BoundedFile *file);
/* 0 or -errno. What was set aside goes, too. */
int bounded_file_empty(BoundedFile *file);
/* The last bytes, at most max, of which some may be in what was set aside; how many those are. */
size_t bounded_file_tail(const BoundedFile *file, char *bytes, size_t max);
