/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket by which one user's viewers reach a guest's display. usherd cannot make it, as only somebody
 * with CAP_CHOWN can give a file away. */
#pragma once

/* what: "OWNER:/run/usher/display/NAME.spice", OWNER a user's name, or "+UID". Makes the socket of mode 0600,
 * in the place of one that is there, and lets it listen: *ret_fd. Nobody else can connect to it at any
 * moment, nor put anything in its place: the folder must be our own. -ENOENT: no such user; -EINVAL: `what`
 * is none; -EPERM: the folder is not our own; else -errno. */
int display_socket_make(const char *what, int *ret_fd);
