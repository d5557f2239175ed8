/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bridge of usher's own network (core/host/nat-range.h): made, and taken away. For usher-nat alone, which
 * may wait for the kernel. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* What the host has addresses of and routes to, of all tables (of NatTaken; the caller frees it). 0 or
 * -errno. */
int nat_bridge_taken(GArray **ret);

/* Makes the bridge with the first address of the range, without IPv6 of the host's, and sets it up. Whatever
 * fails leaves no bridge. proc_fd: /proc. -EEXIST: there is a link of that name, which is somebody else's;
 * another -errno. */
int nat_bridge_make(int proc_fd, uint32_t range);

/* Removes it if it is there and usher's own. 0 or -errno. */
int nat_bridge_remove(int sys_fd);
