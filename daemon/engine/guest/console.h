/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the console away from a client whose connection was made before usherd was started, so that usherd
 * has no end of it. QEMU gets another socket to listen at (chardev-change), and so drops the client. */
#pragma once

#include "../../edge/qemu/qmp.h"

typedef struct ConsoleRenewal ConsoleRenewal;

/* error and message: as in QmpReply. The renewal may be freed from within. */
typedef void (*ConsoleRenewed)(int error, const char *message, void *userdata);

/* path: where the socket is made. log_fd: the console's log, taken over in every case; -1: there is no log.
 * qmp is borrowed, and must outlive the renewal until the answer. Calls back exactly once if this returns 0.
 * -errno. */
int console_renewal_new(Qmp *qmp, const char *path, int log_fd, ConsoleRenewed renewed, void *userdata,
                        ConsoleRenewal **ret);
/* Only after the answer, or when the connection goes. NULL is fine; returns NULL. */
ConsoleRenewal *console_renewal_free(ConsoleRenewal *renewal);
