/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of the host's that is asked something and ends: QEMU, virtiofsd. */
#pragma once

#include <sys/types.h>

/* A file in memory for what it prints: it takes room bytes and cannot grow, whatever is written (fcntl(2),
 * F_SEAL_GROW). A single write of more than is left is lost whole. The caller's, or -errno. */
int spawn_output(size_t room);

/* Starts argv[0], in a process group of its own, with no signal blocked or ignored, a small environment, and
 * no descriptor but stdin (nothing), stdout and stderr (both output), and number 3 if third is not -1. The
 * caller reaps it. 0 or -errno. */
int spawn(const char *const *argv, int output, int third, pid_t *ret);
