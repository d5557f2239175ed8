/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processors of the host, written as cpusets are ("2-7,10", cpuset(7)). The order is kept: it says which
 * processor of a guest gets which. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* As many as the C library's cpu_set_t holds. */
#define CPU_LIST_MAX 1024

/* An array of unsigned that the caller frees; NULL for what is no list: empty, out of range, with a processor
 * twice. */
GArray *cpu_list_parse(const char *text);

/* Those of one list that are not in the other, as text; NULL if there are none. The caller frees it. */
char *cpu_list_missing(const GArray *wanted, const GArray *there);
