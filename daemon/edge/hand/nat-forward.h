/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forwarding of packets between the host's links (ip-sysctl.rst of the kernel), for guests with Mode=nat. For
 * usher-nat alone. */
#pragma once

/* Switches it on where it is off. proc_fd: /proc; run_fd: a folder that keeps what the host had before. 0 or
 * -errno. */
int nat_forward_start(int proc_fd, int run_fd);
/* Puts back what nat_forward_start() has changed: nothing, if it found the host forwarding. 0 or -errno. */
int nat_forward_stop(int proc_fd, int run_fd);
