/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at what definitions name, and opens it, as usher-bind does it: what lies on a dead file server, or is
 * asked of a dead directory of users, must hold up nobody else. */
#pragma once

#include "../../core/plan/file-wish.h"

/* what: an absolute path, or the name of a user or group. -ENOENT: there is none, except that a disk's
 * path which does not exist is seen with a mode of 0; else -errno. */
int file_look(FileKind kind, const char *what, FileSeen **ret);

/* For reading, by an absolute path over whatever links. A descriptor, or -errno; a folder for
 * FILE_KIND_FOLDER, one that a disk can be made in for FILE_KIND_DISK (over no link: -ELOOP), the name of a
 * socket that anybody may connect to (O_PATH) for FILE_KIND_SOCKET (else -ENOTSOCK, -EACCES), a regular file
 * (-EINVAL) for FILE_KIND_FILE. The path is resolved once; a link that comes into it meanwhile is not
 * followed
 * (-ELOOP). */
int file_open(FileKind kind, const char *path);
