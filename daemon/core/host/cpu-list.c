/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu-list.h"

#include <string.h>

bool cpu_set_has(const GArray *list, unsigned cpu)
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

/* Marks the members. Sets may have a thousand members, and a definition may compare many sets: pairwise
 * comparison would be slow. */
static void mark(const GArray *list, bool *marks)
{
    for (unsigned i = 0; i < list->len; i++)
        if (g_array_index(list, unsigned, i) < CPU_LIST_MAX)
            marks[g_array_index(list, unsigned, i)] = true;
}

/* "2" or "2-7". */
static bool read_range(char *text, GArray *list, bool *seen)
{
    char *dash = strchr(text, '-');
    unsigned first, last;

    if (dash)
        *dash = '\0';
    if (!read_number(text, &first) || !read_number(dash ? dash + 1 : text, &last) || last < first)
        return false;
    for (unsigned cpu = first; cpu <= last; cpu++) {
        if (seen[cpu])
            return false;
        seen[cpu] = true;
        g_array_append_val(list, cpu);
    }
    return true;
}

GArray *cpu_list_parse(const char *text)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    bool seen[CPU_LIST_MAX] = {false};

    for (char **part = parts; *part; part++)
        if (!read_range(g_strstrip(*part), list, seen))
            return NULL;
    return list->len > 0 ? g_steal_pointer(&list) : NULL;
}

char *cpu_list_missing(const GArray *wanted, const GArray *there)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool marks[CPU_LIST_MAX] = {false};

    mark(there, marks);
    for (unsigned i = 0; i < wanted->len; i++) {
        unsigned cpu = g_array_index(wanted, unsigned, i);
        if (cpu >= CPU_LIST_MAX || !marks[cpu])
            g_string_append_printf(text, "%s%u", text->len > 0 ? "," : "", cpu);
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

GArray *cpu_set_parse(const char *text)
{
    return *text ? cpu_list_parse(text) : g_array_new(FALSE, FALSE, sizeof(unsigned));
}

static int compare(gconstpointer a, gconstpointer b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

char *cpu_set_to_text(const GArray *set)
{
    g_autoptr(GArray) sorted = g_array_copy((GArray *)set);
    g_autoptr(GString) text = g_string_new(NULL);

    g_array_sort(sorted, compare);
    for (unsigned i = 0, last; i < sorted->len; i = last + 1) {
        unsigned first = g_array_index(sorted, unsigned, i);
        for (last = i;
             last + 1 < sorted->len && g_array_index(sorted, unsigned, last + 1) == first + last + 1 - i;)
            last++;
        g_string_append_printf(text, "%s%u", text->len > 0 ? "," : "", first);
        if (last > i)
            g_string_append_printf(text, "-%u", g_array_index(sorted, unsigned, last));
    }
    return g_strdup(text->str);
}

/* The members of one that are, or are not, in the other. */
static GArray *sift(const GArray *one, const GArray *other, bool common)
{
    GArray *set = g_array_new(FALSE, FALSE, sizeof(unsigned));
    bool marks[CPU_LIST_MAX] = {false};

    mark(other, marks);
    for (unsigned i = 0; i < one->len; i++) {
        unsigned cpu = g_array_index(one, unsigned, i);
        if ((cpu < CPU_LIST_MAX && marks[cpu]) == common)
            g_array_append_val(set, cpu);
    }
    return set;
}

GArray *cpu_set_minus(const GArray *one, const GArray *other)
{
    return sift(one, other, false);
}

GArray *cpu_set_common(const GArray *one, const GArray *other)
{
    return sift(one, other, true);
}

GArray *cpu_set_join(const GArray *one, const GArray *other)
{
    GArray *set = cpu_set_minus(one, other);

    if (other->len > 0)
        g_array_append_vals(set, other->data, other->len);
    return set;
}
