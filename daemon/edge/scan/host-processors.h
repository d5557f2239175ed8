/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has of processors, and what is kept off which. */
#pragma once

#include "../../core/host/host.h"

/* Adds the processors that are on, and the slices of systemd that are there. What cannot be read is left out.
 */
void host_processors_note(int sys_fd, Host *host);

/* Processors that a unit is kept off whose AllowedCPUs= (cpuset.cpus) is that; "": they are not limited.
 * -EBADMSG if that is no list. Of those that the kernel could ever have: so a processor that is off for a
 * while makes no difference. */
int host_processors_kept_off(int sys_fd, const char *allowed, GArray **ret);
/* The reverse: all of them where the unit is to be kept off none. */
int host_processors_allowed(int sys_fd, const char *kept_off, GArray **ret);
