/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the console from a client whose connection nobody here has an end of, as usherd was started after it
 * was made: QEMU gets another socket to listen at in place of that one (chardev-change), and so lets go of
 * the client. */
#pragma once

#include "../../edge/qemu/qmp.h"

typedef struct ConsoleRenewal ConsoleRenewal;

/* error and message: as QmpReply has them. The renewal may be freed from within. */
typedef void (*ConsoleRenewed)(int error, const char *message, void *userdata);

/* path: where the socket is made. log_fd: the console's log, taken over in every case; -1: none is kept. qmp
 * is borrowed, and goes no sooner than the renewal, unless that was answered. Calls back exactly once if this
 * returns 0. -errno. */
int console_renewal_new(Qmp *qmp, const char *path, int log_fd, ConsoleRenewed renewed, void *userdata,
                        ConsoleRenewal **ret);
/* Of one that was answered, or whose connection goes. NULL is fine; returns NULL. */
ConsoleRenewal *console_renewal_free(ConsoleRenewal *renewal);
