/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
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
    bool stacked; /* it is no disk of the device's own */
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

DEFINE_ELEMENT_FREE(HolderNode, node_free, node)
{
    g_free(node->device);
    g_free(node->name);
    g_free(node->whole);
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
static bool add_node(Walk *walk, bool block, unsigned major, unsigned minor, const char *name,
                     const char *whole)
{
    HolderNode *node;

    if (holder_node_find(walk->nodes, block, major, minor))
        return false;
    node = g_new(HolderNode, 1);
    *node = (HolderNode){
        .block = block,
        .major = major,
        .minor = minor,
        .device = g_strdup(walk->address),
        .name = g_strdup(name),
        .whole = g_strdup(whole),
    };
    return g_hash_table_add(walk->nodes, node);
}

/* A device's `dev` holds its number. `uevent` would name its node too, but waits for the device's lock. */
static void take_dev(Walk *walk, int fd, const char *name, bool block, const char *whole)
{
    g_autofree char *text = NULL;
    unsigned major, minor;

    if (file_read_value_at(fd, "dev", &text) >= 0 && sscanf(text, "%u:%u", &major, &minor) == 2)
        add_node(walk, block, major, minor, name, whole);
}

/* What is built upon a disk, and upon that in turn, holds the disk, and its nodes are a way to use the
 * disk. */
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
        take_dev(walk, upper, *holder, true, NULL);
        take_stack(walk, upper, *holder, depth + 1);
    }
}

static void walk_tree(Walk *walk, int parent, const char *parent_name, const char *name, unsigned depth);

/* A disk that may have several controllers (CMIC in NVM Express, "Identify Controller") hangs below the
 * subsystem that they share, and not below any of them (nvme_mpath_alloc_disk() in
 * drivers/nvme/host/multipath.c). */
static void take_shared_disks(Walk *walk, const char *controller)
{
    _cleanup_close_ int class =
        openat(walk->place->sys_fd, "class/nvme-subsystem", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_auto(GStrv) subsystems = NULL;

    if (class < 0 || file_list_at(class, ".", &subsystems) < 0)
        return;
    for (char **subsystem = subsystems; *subsystem; subsystem++) {
        g_autofree char *member = g_strdup_printf("%s/%s", *subsystem, controller);
        if (faccessat(class, member, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            walk_tree(walk, class, "", *subsystem, 0);
    }
}

static void take_device(Walk *walk, int fd, const char *parent, const char *name)
{
    g_autofree char *subsystem = NULL;
    file_link_name_at(fd, "subsystem", &subsystem);
    bool block = g_strcmp0(subsystem, "block") == 0;
    bool part = block && faccessat(fd, "partition", F_OK, 0) == 0;

    take_dev(walk, fd, name, block, block && !walk->stacked ? part ? parent : name : NULL);
    if (block)
        take_stack(walk, fd, name, 0);
    if (g_strcmp0(subsystem, "nvme") == 0)
        take_shared_disks(walk, name);
}

/* Links lead out of the subtree: to drivers, classes, siblings. */
static void walk_tree(Walk *walk, int parent, const char *parent_name, const char *name, unsigned depth)
{
    _cleanup_close_ int fd =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
    g_auto(GStrv) names = NULL;

    if (fd < 0 || depth > TREE_MAX || file_list_at(fd, ".", &names) < 0)
        return;
    const char *slash = strrchr(name, '/'), *kernel_name = slash ? slash + 1 : name;
    if (g_strv_contains((const char *const *)names, "dev"))
        take_device(walk, fd, parent_name, kernel_name);
    for (char **child = names; *child; child++) {
        struct stat st;
        bool folder = fstatat(fd, *child, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISDIR(st.st_mode);
        if (folder && !g_str_equal(*child, "power") && !g_str_equal(*child, "holders"))
            walk_tree(walk, fd, kernel_name, *child, depth + 1);
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
            take_dev(walk, fd, name, false, NULL);
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
        add_node(walk, false, NVIDIA_MAJOR, minor, name, NULL);
    }
}

void holder_nodes_add_device(const HolderPlace *place, const char *folder, const char *address,
                             GHashTable *nodes, GPtrArray *holders)
{
    Walk walk = {.place = place, .address = address, .nodes = nodes, .holders = holders};

    walk_tree(&walk, place->sys_fd, "", folder, 0);
}

void holder_nodes_add(const HolderPlace *place, const char *address, GHashTable *nodes, GPtrArray *holders)
{
    Walk walk = {.place = place, .address = address, .nodes = nodes, .holders = holders};
    g_autofree char *device =
        g_strdup_printf("bus/%s/devices/%s", g_uuid_string_is_valid(address) ? "mdev" : "pci", address);

    walk_tree(&walk, place->sys_fd, "", device, 0);
    take_vfio_group(&walk, device);
    take_nvidia(&walk);
}

void holder_nodes_add_stacked(const HolderPlace *place, const char *name, const char *address,
                              GHashTable *nodes, GPtrArray *holders)
{
    Walk walk = {.place = place, .address = address, .nodes = nodes, .holders = holders, .stacked = true};
    g_autofree char *folder = g_strdup_printf("class/block/%s", name);

    walk_tree(&walk, place->sys_fd, "", folder, 0);
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
    /* Whoever takes a whole disk takes all its parts. */
    char target[PATH_MAX];
    ssize_t n =
        faccessat(fd, "partition", F_OK, 0) < 0 ? 0 : readlinkat(block, name, target, sizeof(target) - 1);
    target[MAX(n, 0)] = '\0';
    g_autofree char *parent = g_path_get_dirname(target), *disk = g_path_get_basename(parent);
    walk_tree(&walk, block, disk, name, 0);
    _cleanup_close_ int whole = n > 0 ? openat(block, disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (whole >= 0)
        take_device(&walk, whole, "", disk);
}
