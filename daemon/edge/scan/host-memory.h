/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's memory, its NUMA nodes, and their huge pages. */
#pragma once

#include "../../core/host/host.h"

/* Adds the nodes below sys_fd (/sys) to the snapshot, and what proc_fd (/proc) says of all memory. 0 or
 * -errno; a kernel without NUMA has no nodes. */
int host_memory_note(int sys_fd, int proc_fd, Host *host);
