/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which ports of the host somebody listens on. */
#pragma once

#include <stdbool.h>

/* Whether a listener at this IPv4 address and port would be refused. False too if it cannot be found out:
 * QEMU will say it then. proc_fd: /proc. */
bool host_port_taken(int proc_fd, bool udp, const char *address, unsigned port);
