/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files below /dev/shm/usher that a guest and a program of a user's share. The folder is root's alone, made
 * with the first of them. */
#pragma once

/* "SIZE OWNER GID" of the file (subject: "/dev/shm/usher/looking-glass-NAME"), "" if it does not exist; a
 * description of the obstacle if that is not a file, or the folder is somebody else's. 0 or -errno;
 * -EINVAL for another subject. The caller frees *ret. */
int shared_memory_read(int dev_fd, const char *subject, char **ret);

/* Makes the file as "SIZE OWNER GID" says, for its owner and that group, which is one guest's own
 * (DynamicUser=): no other guest's QEMU can open it. Never takes over an existing file (-EEXIST). -EINVAL
 * if there is no such user. */
int shared_memory_make(int dev_fd, const char *subject, const char *value);
int shared_memory_remove(int dev_fd, const char *subject);
