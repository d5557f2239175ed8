/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuning.h"

#include <stdio.h>

/* "node0/2048kB" */
static char *huge_pages_path(const char *subject)
{
    unsigned node, size;
    if (sscanf(subject, "node%5u/%8ukB", &node, &size) != 2)
        return NULL;
    g_autofree char *canonical = g_strdup_printf("node%u/%ukB", node, size);
    if (!g_str_equal(canonical, subject))
        return NULL;
    return g_strdup_printf("devices/system/node/node%u/hugepages/hugepages-%ukB/nr_hugepages", node, size);
}

/* "cpu2" */
static char *governor_path(const char *subject)
{
    unsigned cpu;
    if (sscanf(subject, "cpu%5u", &cpu) != 1)
        return NULL;
    g_autofree char *canonical = g_strdup_printf("cpu%u", cpu);
    if (!g_str_equal(canonical, subject))
        return NULL;
    return g_strdup_printf("devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu);
}

char *tuning_path(const Step *step)
{
    return step->kind == STEP_GOVERNOR ? governor_path(step->subject) : huge_pages_path(step->subject);
}
