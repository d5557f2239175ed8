/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-list.h"

#include <string.h>

static bool has(const GArray *list, unsigned cpu)
{
    for (unsigned i = 0; i < list->len; i++)
        if (g_array_index(list, unsigned, i) == cpu)
            return true;
    return false;
}

static bool read_number(const char *text, unsigned *ret)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 0, CPU_LIST_MAX - 1, &number, NULL))
        return false;
    *ret = number;
    return true;
}

/* "2" or "2-7". */
static bool read_range(char *text, GArray *list)
{
    char *dash = strchr(text, '-');
    unsigned first, last;

    if (dash)
        *dash = '\0';
    if (!read_number(text, &first) || !read_number(dash ? dash + 1 : text, &last) || last < first)
        return false;
    for (unsigned cpu = first; cpu <= last; cpu++) {
        if (has(list, cpu))
            return false;
        g_array_append_val(list, cpu);
    }
    return true;
}

GArray *cpu_list_parse(const char *text)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    for (char **part = parts; *part; part++)
        if (!read_range(g_strstrip(*part), list))
            return NULL;
    return list->len > 0 ? g_steal_pointer(&list) : NULL;
}

char *cpu_list_missing(const GArray *wanted, const GArray *there)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < wanted->len; i++) {
        unsigned cpu = g_array_index(wanted, unsigned, i);
        if (!has(there, cpu))
            g_string_append_printf(text, "%s%u", text->len > 0 ? "," : "", cpu);
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}
