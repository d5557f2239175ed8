/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts QEMU's threads onto host CPUs. Another user's threads are moved only with CAP_SYS_NICE, which nobody
 * here is to have; one's own need nothing (sched_setaffinity(2)). So usher-launch leaves a process behind in
 * the guest's unit, of the guest's user, which stays until usherd knows QEMU's threads, moves them, and goes.
 */
#pragma once

/* Moves this process to emulator ("0-1"; "-": it stays where it is), and with it what it becomes. The process
 * left behind reads from fd, usherd's connection, once this one has become QEMU. 0 or -errno. */
int launch_pin(int fd, const char *emulator);
