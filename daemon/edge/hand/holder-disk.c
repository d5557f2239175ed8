/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-disk.h"

#include <stdio.h>
#include <string.h>

#include "../../base/file.h"
#include "holder-kernel.h"
#include "holder-nodes.h"

#define PROC_LIMIT (16 * 1024 * 1024)

static void add_needed(GPtrArray *holders, const char *disk, const char *why)
{
    g_ptr_array_add(holders, holder_new(HOLDER_HOST, disk, why, 0, NULL, NULL, NULL));
}

/* What the host has mounted: as PID 1 sees it if we may look, as our own namespace differs. */
static void add_mounts(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders)
{
    g_autofree char *text = NULL;
    if (file_read_all_at(place->proc_fd, "1/mountinfo", PROC_LIMIT, &text, NULL) < 0 &&
        file_read_all_at(place->proc_fd, "self/mountinfo", PROC_LIMIT, &text, NULL) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", 6);
        unsigned major, minor;
        if (g_strv_length(fields) < 6 || sscanf(fields[2], "%u:%u", &major, &minor) != 2)
            continue;
        const HolderNode *node = holder_node_find(nodes, true, major, minor);
        if (!node)
            continue;
        g_autofree char *point = g_strcompress(fields[4]), *why = g_strdup_printf("mounted at %s", point);
        add_needed(holders, node->name, why);
    }
}

static void add_swaps(const HolderPlace *place, GHashTable *names, GPtrArray *holders)
{
    g_autofree char *text = NULL;
    if (file_read_all_at(place->proc_fd, "swaps", PROC_LIMIT, &text, NULL) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *path = g_strndup(*line, strcspn(*line, " \t"));
        g_autofree char *name = g_path_get_basename(path);
        if (path[0] == '/' && strstr(*line, "partition") && g_hash_table_contains(names, name))
            add_needed(holders, name, "swap");
    }
}

/* btrfs shows device numbers of its own in mountinfo, but lists its disks while it is mounted. */
static void add_btrfs(const HolderPlace *place, GHashTable *names, GPtrArray *holders)
{
    g_auto(GStrv) systems = NULL;
    if (file_list_at(place->sys_fd, "fs/btrfs", &systems) < 0)
        return;

    for (char **system = systems; *system; system++) {
        g_autofree char *folder = g_strdup_printf("fs/btrfs/%s/devices", *system);
        g_auto(GStrv) disks = NULL;
        if (file_list_at(place->sys_fd, folder, &disks) < 0)
            continue;
        for (char **disk = disks; *disk; disk++)
            if (g_hash_table_contains(names, *disk))
                add_needed(holders, *disk, "btrfs is mounted");
    }
}

/* What the host has mounted and swaps to, of these nodes. */
static void add_needs(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    HolderNode *node;

    g_hash_table_iter_init(&iter, nodes);
    while (g_hash_table_iter_next(&iter, (void **)&node, NULL))
        g_hash_table_add(names, node->name);
    add_mounts(place, nodes, holders);
    add_swaps(place, names, holders);
    add_btrfs(place, names, holders);
}

static void add_disk(const HolderPlace *place, unsigned major, unsigned minor, GHashTable *nodes,
                     GPtrArray *holders)
{
    holder_nodes_add_disk(place, major, minor, nodes, holders);
    holder_kernel_add(place, nodes, holders);
    add_needs(place, nodes, holders);
}

void holder_disk_add_kernel(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();

    add_disk(place, major, minor, nodes, holders);
}

int holder_disk_add_processes(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray *holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    g_autoptr(GPtrArray) stack = holders_new();

    holder_nodes_add_disk(place, major, minor, nodes, stack);
    return holder_scan_nodes(place, nodes, holders);
}

int holder_scan_disk(const HolderPlace *place, unsigned major, unsigned minor, GPtrArray **ret)
{
    g_autoptr(GPtrArray) holders = holders_new();
    g_autoptr(GHashTable) nodes = holder_nodes_new();

    add_disk(place, major, minor, nodes, holders);
    /* A mount, or what is built upon the disk, explains it; whoever else has it open (a shell, udisks) would
     * only distract. */
    int r = holders->len > 0 ? 0 : holder_scan_nodes(place, nodes, holders);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&holders);
    return 0;
}

static const HolderNode *find_disk(GHashTable *nodes, const char *name)
{
    GHashTableIter iter;
    const HolderNode *node;

    g_hash_table_iter_init(&iter, nodes);
    while (g_hash_table_iter_next(&iter, (void **)&node, NULL))
        if (node->block && g_str_equal(node->name, name))
            return node;
    return NULL;
}

/* Whether a holder that was found names the disk, a part of it, or the whole of it. */
static bool is_explained(const GPtrArray *holders, const char *name)
{
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        g_auto(GStrv) words = g_strsplit_set(holder->what, " /", -1);
        for (char **word = words; *word; word++)
            if (**word && (g_str_has_prefix(*word, name) || g_str_has_prefix(name, *word)))
                return true;
    }
    return false;
}

static void explain(const HolderPlace *place, const HolderNode *node, bool needs, GPtrArray *holders)
{
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    g_autoptr(GPtrArray) host = holders_new(), stack = holders_new();

    if (is_explained(holders, node->name))
        return;
    holder_nodes_add_disk(place, node->major, node->minor, nodes, stack);
    add_needs(place, nodes, host);
    if (stack->len == 0 && host->len == 0)
        g_ptr_array_add(holders, holder_new(HOLDER_KERNEL, node->device, node->name, 0, NULL, NULL, NULL));
    g_ptr_array_extend_and_steal(holders, g_steal_pointer(&stack));
    if (needs)
        g_ptr_array_extend_and_steal(holders, g_steal_pointer(&host));
}

int holder_disk_claim(const HolderPlace *place, GHashTable *nodes, bool needs, DiskClaim **ret,
                      GPtrArray *holders)
{
    g_autoptr(GPtrArray) busy = g_ptr_array_new_with_free_func(g_free);

    int r = disk_claim_take(place, nodes, ret, busy);
    for (unsigned i = 0; i < busy->len; i++)
        explain(place, find_disk(nodes, g_ptr_array_index(busy, i)), needs, holders);
    return r;
}

void holder_disk_add_loops(const HolderPlace *place, const char *path, GPtrArray *holders)
{
    g_auto(GStrv) names = NULL;
    if (file_list_at(place->sys_fd, "block", &names) < 0)
        return;

    for (char **name = names; *name; name++) {
        g_autofree char *attribute = g_strdup_printf("block/%s/loop/backing_file", *name), *backing = NULL;
        if (g_str_has_prefix(*name, "loop") && file_read_value_at(place->sys_fd, attribute, &backing) >= 0 &&
            g_str_equal(backing, path))
            g_ptr_array_add(holders, holder_new(HOLDER_BLOCK, path, *name, 0, NULL, NULL, NULL));
    }
}
