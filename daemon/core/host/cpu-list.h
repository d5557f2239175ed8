/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host CPUs, written as cpusets are ("2-7,10", cpuset(7)). The order is kept: it decides which vCPU gets
 * which host CPU. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* As many as the C library's cpu_set_t holds. */
#define CPU_LIST_MAX 1024

/* An array of unsigned that the caller frees; NULL if the text is not a list: empty, out of range, a CPU
 * twice. */
GArray *cpu_list_parse(const char *text);

/* Those of one list that are not in the other, as text; NULL if there are none. The caller frees it. */
char *cpu_list_missing(const GArray *wanted, const GArray *there);

/* The same as sets: "" is the empty set, and the order is numeric. */

/* NULL for what is none. The caller frees it. */
GArray *cpu_set_parse(const char *text);
/* "0-1,4". The caller frees it. */
char *cpu_set_to_text(const GArray *set);
bool cpu_set_has(const GArray *set, unsigned cpu);
/* Those of one, the other, or both; those of one that are not of the other. The caller frees them. */
GArray *cpu_set_join(const GArray *one, const GArray *other);
GArray *cpu_set_minus(const GArray *one, const GArray *other);
/* Those of both. */
GArray *cpu_set_common(const GArray *one, const GArray *other);
