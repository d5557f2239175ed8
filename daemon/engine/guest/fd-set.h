/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that QEMU gets while it runs. Each is in a set of its own, which has a number (add-fd,
 * remove-fd). */
#pragma once

#include "../../edge/qemu/qmp.h"

#define FD_SET_NONE (-1)

/* Gives QEMU fd, which is taken over in every case; fd_set_of() reads the reply's result. -errno as
 * qmp_command_with_fd(). */
int fd_set_add(Qmp *qmp, int fd, QmpReply reply, void *userdata);
/* The number of the new set; FD_SET_NONE: QEMU did not say. */
int fd_set_of(struct json_object *result);
/* The name by which QEMU opens it; the caller frees it. */
char *fd_set_path(int set);
/* QEMU closes this descriptor; what QEMU has opened by the name has a descriptor of its own. Fine with
 * FD_SET_NONE. */
void fd_set_remove(Qmp *qmp, int set);
