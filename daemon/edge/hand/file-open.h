/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens what definitions name, as usher-bind does it: what lies on a dead file server, or is asked of a dead
 * directory of users, must hold up nobody else. */
#pragma once

#include "../../core/plan/file-wish.h"

/* what: an absolute path, the name of a user or group, or what display_socket_make() takes. *ret tells what
 * was found, and *ret_fd is a descriptor of the very thing that was seen, or -1: it is not of that kind, or
 * there is nothing to hand over (a disk, a user, a group, a device of Looking Glass's). Paths may lead over
 * any links, except that of a place or a device (-ELOOP); they are resolved once, and a link that comes into
 * one meanwhile is not followed (-ELOOP). Only a file of the right kind is opened, as opening a FIFO or a
 * device may do something. A file and a folder are open for reading; for a socket that anybody may connect to
 * the descriptor is its name alone (O_PATH). -ENOENT: there is none, except that a disk's path which does not
 * exist is seen with a mode of 0; -EMLINK: a qcow2 image with its contents in another file; else -errno. */
int file_open(FileKind kind, const char *what, FileSeen **ret, int *ret_fd);
