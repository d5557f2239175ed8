/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The owner of a node in /dev: of a VFIO group, or of an input device. */
#pragma once

/* "UID:GID" of the node (subject: "/dev/vfio/26", "/dev/input/event5"); *ret NULL: it is not there. 0 or
 * -errno; -EINVAL for another subject. The caller frees *ret. */
int node_owner_read(int dev_fd, const char *subject, char **ret);

/* Gives it to "UID:GID". A group's node is its owner's alone (0600); an input device that somebody has for
 * himself alone is -EBUSY. */
int node_owner_write(int dev_fd, const char *subject, const char *owner);
