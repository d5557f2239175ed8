/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two commands by which QEMU takes a socket that is connected already, one after the other. */
#pragma once

#include <stdbool.h>

#include "../../edge/qemu/qmp.h"

/* getfd: QEMU knows the descriptor by that name from now on; fd is taken over. As qmp_command_with_fd(). */
int qemu_client_give(Qmp *qmp, const char *fd_name, int fd, QmpReply reply, void *userdata);
/* add_client: protocol ("vnc", "spice", or a chardev's id) serves it. trusted: nobody asks it for a password.
 * As qmp_command(). */
int qemu_client_add(Qmp *qmp, const char *fd_name, const char *protocol, bool trusted, QmpReply reply,
                    void *userdata);
