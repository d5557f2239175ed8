/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files relative to a directory descriptor: sysfs attributes, state files, definitions. All descriptors
 * are opened O_CLOEXEC. All functions return 0 (or what they say) or -errno, and set outputs on success only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Reads a whole file of at most limit bytes (-EFBIG beyond it); the result is NUL-terminated and owned by the
 * caller. ret_size may be NULL; NUL bytes inside the file are kept. */
int file_read_all_at(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size);

/* Likewise, but of a file that is longer its first whole lines, together limit bytes at most. */
int file_read_begin_at(int dirfd, const char *path, size_t limit, char **ret);

/* Reads one attribute as sysfs and procfs give it: at most 64 KB, trailing newlines stripped. */
int file_read_value_at(int dirfd, const char *path, char **ret);

/* Writes value with a single write(2), as sysfs demands; a short write is -EIO. Does not create the file. */
int file_write_value_at(int dirfd, const char *path, const char *value);

/* The last component of a symbolic link's target ("radeon" for …/driver). -ENOENT if there is no link. */
int file_link_name_at(int dirfd, const char *path, char **ret);

/* Replaces a file in one rename(2): readers see the old text or the new one, never a part. mode is what it
 * has then, whatever the umask. */
int file_replace_at(int dirfd, const char *path, const char *text, mode_t mode);

/* mkdir -p relative to dirfd, then opens the last folder (O_DIRECTORY). Returns the descriptor. */
int file_open_dirs_at(int dirfd, const char *path, mode_t mode);

/* Whether both are of one file that nobody has written to in between, as far as inode, size and mtime tell.
 */
bool file_is_same(const struct stat *a, const struct stat *b);

/* Names in a folder, sorted, without "." and ".."; a GStrv owned by the caller. -ENOENT if it is not there.
 */
int file_list_at(int dirfd, const char *path, char ***ret);
