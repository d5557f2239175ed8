/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells this host from others, and goes into what is made of a guest's name: addresses of network cards,
 * UUIDs. */
#pragma once

/* 32 hexadecimal digits, which the caller frees. -errno, as of a host without a machine-id: what is made of
 * names can do without. */
int host_id_read(char **ret);
