/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket between QEMU and a companion that accept(2)s its clients. */
#pragma once

/* *ret_listener has *ret_connected in its backlog, and nobody else can connect: path is gone again when this
 * returns. 0 or -errno. */
int companion_socket(const char *path, int *ret_listener, int *ret_connected);
