/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/cleanup.h"
#include "../base/file.h"
#include "holder-nodes.h"

/* Deeper than any chain of hubs and interfaces. */
#define TREE_MAX 32
/* Deeper than anybody stacks md, LVM and dm-crypt. */
#define STACK_MAX 16
/* Of NVIDIA's driver, which registers it outside of sysfs (nvidia(4), /dev/nvidiaN). */
#define NVIDIA_MAJOR 195

typedef struct Walk {
    const HolderPlace *place;
    const char *address;
    GHashTable *nodes;
    GPtrArray *holders;
} Walk;

static unsigned node_hash(const void *key)
{
    const HolderNode *node = key;
    return node->major << 20 ^ node->minor << 1 ^ node->block;
}

static gboolean node_equal(const void *a, const void *b)
{
    const HolderNode *x = a, *y = b;
    return x->block == y->block && x->major == y->major && x->minor == y->minor;
}

static void node_free(void *data)
{
    HolderNode *node = data;
    g_free(node->device);
    g_free(node->name);
    g_free(node);
}

GHashTable *holder_nodes_new(void)
{
    return g_hash_table_new_full(node_hash, node_equal, node_free, NULL);
}

const HolderNode *holder_node_find(GHashTable *nodes, bool block, unsigned major, unsigned minor)
{
    return g_hash_table_lookup(nodes, &(HolderNode){.block = block, .major = major, .minor = minor});
}

/* False if it was there already. */
static bool add_node(Walk *walk, bool block, unsigned major, unsigned minor, const char *name)
{
    HolderNode *node = g_new(HolderNode, 1);

    *node = (HolderNode){
        .block = block,
        .major = major,
        .minor = minor,
        .device = g_strdup(walk->address),
        .name = g_strdup(name),
    };
    return g_hash_table_add(walk->nodes, node);
}

/* A device's `dev` is its number. Not `uevent`, which would name its node too, but waits for the device's
 * lock. */
static void take_dev(Walk *walk, int fd, const char *name, bool block)
{
    g_autofree char *text = NULL;
    unsigned major, minor;

    if (file_read_value_at(fd, "dev", &text) >= 0 && sscanf(text, "%u:%u", &major, &minor) == 2)
        add_node(walk, block, major, minor, name);
}

/* What is built upon a disk, and upon that: it holds the disk, and its own nodes are a way to use it. */
static void take_stack(Walk *walk, int fd, const char *name, unsigned depth)
{
    g_auto(GStrv) holders = NULL;

    if (depth >= STACK_MAX || file_list_at(fd, "holders", &holders) < 0)
        return;
    for (char **holder = holders; *holder; holder++) {
        g_autofree char *path = g_strdup_printf("class/block/%s", *holder);
        g_autofree char *what = g_strdup_printf("%s on %s", *holder, name);
        g_ptr_array_add(walk->holders, holder_new(HOLDER_BLOCK, walk->address, what, 0, NULL, NULL, NULL));
        _cleanup_close_ int upper = openat(walk->place->sys_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (upper < 0)
            continue;
        take_dev(walk, upper, *holder, true);
        take_stack(walk, upper, *holder, depth + 1);
    }
}

static void take_device(Walk *walk, int fd, const char *name)
{
    g_autofree char *subsystem = NULL;
    bool block = file_link_name_at(fd, "subsystem", &subsystem) >= 0 && g_str_equal(subsystem, "block");

    take_dev(walk, fd, name, block);
    if (block)
        take_stack(walk, fd, name, 0);
}

/* Links lead out of the subtree: to drivers, classes, siblings. */
static void walk_tree(Walk *walk, int parent, const char *name, unsigned depth)
{
    _cleanup_close_ int fd =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
    g_auto(GStrv) names = NULL;

    if (fd < 0 || depth > TREE_MAX || file_list_at(fd, ".", &names) < 0)
        return;
    if (g_strv_contains((const char *const *)names, "dev"))
        take_device(walk, fd, name);
    for (char **child = names; *child; child++) {
        struct stat st;
        bool folder = fstatat(fd, *child, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISDIR(st.st_mode);
        if (folder && !g_str_equal(*child, "power") && !g_str_equal(*child, "holders"))
            walk_tree(walk, fd, *child, depth + 1);
    }
}

static void take_vfio_group(Walk *walk, const char *device)
{
    g_autofree char *link = g_strdup_printf("%s/iommu_group", device), *group = NULL;
    if (file_link_name_at(walk->place->sys_fd, link, &group) < 0)
        return;

    /* Without an IOMMU behind it the group has another name (vfio_create_group() of the kernel's group.c). */
    static const char *const prefixes[] = {"", "noiommu-"};
    for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *path = g_strdup_printf("class/vfio/%s%s", prefixes[i], group);
        g_autofree char *name = g_strdup_printf("vfio/%s%s", prefixes[i], group);
        _cleanup_close_ int fd = openat(walk->place->sys_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            take_dev(walk, fd, name, false);
    }
}

static void take_nvidia(Walk *walk)
{
    g_autofree char *path = g_strdup_printf("driver/nvidia/gpus/%s/information", walk->address), *text = NULL;
    unsigned minor;
    if (file_read_value_at(walk->place->proc_fd, path, &text) < 0)
        return;

    const char *line = strstr(text, "Device Minor:");
    if (line && sscanf(line, "Device Minor: %u", &minor) == 1) {
        g_autofree char *name = g_strdup_printf("nvidia%u", minor);
        add_node(walk, false, NVIDIA_MAJOR, minor, name);
    }
}

void holder_nodes_add(const HolderPlace *place, const char *address, GHashTable *nodes, GPtrArray *holders)
{
    Walk walk = {.place = place, .address = address, .nodes = nodes, .holders = holders};
    g_autofree char *device =
        g_strdup_printf("bus/%s/devices/%s", g_uuid_string_is_valid(address) ? "mdev" : "pci", address);

    walk_tree(&walk, place->sys_fd, device, 0);
    take_vfio_group(&walk, device);
    take_nvidia(&walk);
}

void holder_nodes_add_disk(const HolderPlace *place, unsigned major, unsigned minor, GHashTable *nodes,
                           GPtrArray *holders)
{
    g_autofree char *link = g_strdup_printf("dev/block/%u:%u", major, minor), *name = NULL;
    if (file_link_name_at(place->sys_fd, link, &name) < 0)
        return;

    Walk walk = {.place = place, .address = name, .nodes = nodes, .holders = holders};
    g_autofree char *class = g_strdup_printf("class/block/%s", name);
    _cleanup_close_ int block = openat(place->sys_fd, "class/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = openat(place->sys_fd, class, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (block < 0 || fd < 0)
        return;
    walk_tree(&walk, block, name, 0);
    /* A disk that is taken as a whole is taken with all its parts. */
    if (faccessat(fd, "partition", F_OK, 0) < 0)
        return;
    char target[PATH_MAX];
    ssize_t n = readlinkat(block, name, target, sizeof(target) - 1);
    if (n < 0)
        return;
    target[n] = '\0';
    g_autofree char *parent = g_path_get_dirname(target), *disk = g_path_get_basename(parent);
    _cleanup_close_ int whole = openat(block, disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (whole >= 0)
        take_device(&walk, whole, disk);
}
