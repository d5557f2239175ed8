/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-memory.h"

#include <errno.h>
#include <string.h>

#include "../../base/file.h"
#include "../../core/host/huge-pages.h"

#define NODES "devices/system/node"

/* An attribute of Documentation/ABI/stable/sysfs-devices-node. */
static bool read_count(int sys_fd, unsigned node, HugePages size, const char *attribute, uint64_t *ret)
{
    g_autofree char *text = NULL;
    g_autofree char *path = g_strdup_printf(NODES "/node%u/hugepages/hugepages-%" G_GUINT64_FORMAT "kB/%s",
                                            node, huge_page_size(size) / 1024, attribute);

    return file_read_value_at(sys_fd, path, &text) >= 0 &&
           g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, ret, NULL);
}

/* "MemTotal:        4010888 kB" among other lines, after "Node 0 " in a node's file. 0: not there. */
static uint64_t find_size(const char *text, const char *name)
{
    const char *line = strstr(text, name);

    return line ? g_ascii_strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

/* A node has no MemAvailable. Free memory, the pages of files and what the kernel's caches can give back make
 * up most of it (si_mem_available() in mm/show_mem.c). */
static void read_memory(int sys_fd, HostNode *node)
{
    static const char *const names[] = {"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
    g_autofree char *path = g_strdup_printf(NODES "/node%u/meminfo", node->number), *text = NULL;

    if (file_read_value_at(sys_fd, path, &text) < 0)
        return;
    node->memory = find_size(text, "MemTotal:");
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        node->left += find_size(text, names[i]);
}

static int compare_nodes(gconstpointer a, gconstpointer b)
{
    const HostNode *x = a, *y = b;
    return (int)x->number - (int)y->number;
}

/* proc(5); Documentation/filesystems/proc.rst says what MemAvailable counts. */
static void note_all(int proc_fd, Host *host)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(proc_fd, "meminfo", &text) < 0)
        return;
    host->memory = find_size(text, "MemTotal:");
    host->memory_left = find_size(text, "MemAvailable:");
}

int host_memory_note(int sys_fd, int proc_fd, Host *host)
{
    g_auto(GStrv) names = NULL;
    guint64 number;

    note_all(proc_fd, host);
    int r = file_list_at(sys_fd, NODES, &names);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    for (char **name = names; *name; name++) {
        if (!g_str_has_prefix(*name, "node") ||
            !g_ascii_string_to_unsigned(*name + 4, 10, 0, G_MAXINT, &number, NULL))
            continue;
        HostNode node = {.number = number};
        read_memory(sys_fd, &node);
        for (HugePages size = HUGE_PAGES_2M; size < HUGE_PAGES_MAX; size++)
            node.pages[size].there =
                read_count(sys_fd, number, size, "nr_hugepages", &node.pages[size].total) &&
                read_count(sys_fd, number, size, "free_hugepages", &node.pages[size].free);
        g_array_append_val(host->nodes, node);
    }
    g_array_sort(host->nodes, compare_nodes);
    return 0;
}
