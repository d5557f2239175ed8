/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files below /dev/shm that a guest and a program of a user's share. */
#pragma once

/* "SIZE OWNER" of the file (subject: "/dev/shm/looking-glass-NAME"), "" if there is none. 0 or -errno;
 * -EINVAL for another subject. The caller frees *ret. */
int shared_memory_read(int dev_fd, const char *subject, char **ret);

/* Makes it as "SIZE OWNER" says, for its owner and the group kvm, which guests are in; never takes one over
 * that is there (-EEXIST). -EINVAL if there is no such user, or no group kvm. */
int shared_memory_make(int dev_fd, const char *subject, const char *value);
int shared_memory_remove(int dev_fd, const char *subject);
