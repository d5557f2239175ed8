/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's CPUs, and which units are kept off which of them. */
#pragma once

#include "../../core/host/host.h"

/* Adds the CPUs that are online, and systemd's slices. What cannot be read is left out. */
void host_cpus_note(int sys_fd, Host *host);

/* The CPUs that a unit with this AllowedCPUs= (cpuset.cpus) is kept off; "": the unit is not limited.
 * -EBADMSG if that is not a list. The set is taken from all CPUs that the kernel could ever have, so a CPU
 * that is offline for a while makes no difference. */
int host_cpus_kept_off(int sys_fd, const char *allowed, GArray **ret);
/* The reverse: all of them where the unit is to be kept off none. */
int host_cpus_allowed(int sys_fd, const char *kept_off, GArray **ret);
