/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's NUMA nodes and their huge pages. */
#pragma once

#include "../core/host.h"

/* Adds the nodes below sys_fd (/sys) to the snapshot. 0 or -errno; a kernel without NUMA has none. */
int host_memory_note(int sys_fd, Host *host);
