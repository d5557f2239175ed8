/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "holder-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "holder-nodes.h"

/* Loop devices on loop devices. */
#define ROUNDS_MAX 8
#define INFO_LIMIT (64 * 1024)

typedef struct Search {
    const HolderPlace *place;
    GHashTable *nodes;
    GPtrArray *holders;
    GHashTable *told; /* set of char*: "USER on NODE" */
} Search;

/* Reads a file of a place (a path, a number, a name), and notes whom it finds; user: their name. */
typedef void (*Look)(Search *search, const char *file, const char *user);

/* Where the kernel tells of users: the parts of a path below /sys, "*" for each entry. */
typedef struct Place {
    const char *pattern;
    const char *words; /* "nvmet %s": the parts that "*" stood for, joined by "/" */
    Look look;
} Place;

/* True for a user that is new. */
static bool note(Search *search, const HolderNode *node, const char *user)
{
    char *what = g_strdup_printf("%s on %s", user, node->name);

    if (!g_hash_table_add(search->told, what))
        return false;
    g_ptr_array_add(search->holders, holder_new(HOLDER_BLOCK, node->device, what, 0, NULL, NULL, NULL));
    return true;
}

static const HolderNode *find_named(const Search *search, const char *name)
{
    GHashTableIter iter;
    const HolderNode *node;

    g_hash_table_iter_init(&iter, search->nodes);
    while (g_hash_table_iter_next(&iter, (void **)&node, NULL))
        if (g_str_equal(node->name, name))
            return node;
    return NULL;
}

/* What a path led to when it was opened. Does not ask a file system on a network or in user space. */
static int stat_path(const HolderPlace *place, const char *path, struct statx *ret)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED};
    bool device = g_str_has_prefix(path, "/dev/");
    _cleanup_close_ int root =
        device ? -1 : openat(place->proc_fd, "1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    if (!device && fd < 0)
        return -errno;
    int r = device ? statx(place->dev_fd, path + strlen("/dev/"), AT_STATX_DONT_SYNC, STATX_TYPE, ret)
                   : statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, ret);
    return r < 0 ? -errno : 0;
}

/* A path of another mount namespace leads nowhere here; mostly its name is the kernel's. */
static const HolderNode *find_path(const Search *search, const char *path)
{
    struct statx st;

    if (path[0] != '/')
        return NULL;
    if (stat_path(search->place, path, &st) < 0)
        return find_named(search, strrchr(path, '/') + 1);
    if (!S_ISBLK(st.stx_mode) && !S_ISCHR(st.stx_mode))
        return NULL;
    return holder_node_find(search->nodes, S_ISBLK(st.stx_mode), st.stx_rdev_major, st.stx_rdev_minor);
}

static const HolderNode *read_path(const Search *search, const char *file)
{
    g_autofree char *path = NULL;

    if (file_read_value_at(search->place->sys_fd, file, &path) < 0)
        return NULL;
    /* SCST has a second line. */
    path[strcspn(path, "\n")] = '\0';
    return find_path(search, path);
}

static void look_at_path(Search *search, const char *file, const char *user)
{
    const HolderNode *node = read_path(search, file);

    if (node)
        note(search, node, user);
}

/* A container's node for the disk may have any name, and so may a removed one: the loop device itself knows
 * its disk (lo_get_status() in drivers/block/loop.c). Only asked about a path below /dev: for a file, the
 * kernel asks the file's server, which may be dead. */
static const HolderNode *ask_loop(const Search *search, const char *file)
{
    g_autofree char *path = NULL;
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);
    struct loop_info64 info;
    struct stat st;

    if (file_read_value_at(search->place->sys_fd, file, &path) < 0 || !g_str_has_prefix(path, "/dev/"))
        return NULL;
    _cleanup_close_ int fd =
        openat(search->place->dev_fd, parts[1], O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
        return NULL;
    return holder_node_find(search->nodes, true, major(info.lo_rdevice), minor(info.lo_rdevice));
}

/* A loop device is a way to use the disk: whatever is mounted from it or built upon it uses the disk. */
static void look_at_loop(Search *search, const char *file, const char *user)
{
    const HolderNode *node = ask_loop(search, file) ?: read_path(search, file);

    if (node && note(search, node, user)) {
        g_autofree char *device = g_strdup(node->device);
        holder_nodes_add_stacked(search->place, user, device, search->nodes, search->holders);
    }
}

/* "sdb1" */
static void look_at_name(Search *search, const char *file, const char *user)
{
    g_autofree char *name = NULL;
    const HolderNode *node =
        file_read_value_at(search->place->sys_fd, file, &name) < 0 ? NULL : find_named(search, name);

    if (node)
        note(search, node, user);
}

static void look_at_link(Search *search, const char *file, const char *user)
{
    g_autofree char *name = NULL;
    const HolderNode *node =
        file_link_name_at(search->place->sys_fd, file, &name) < 0 ? NULL : find_named(search, name);

    if (node)
        note(search, node, user);
}

/* "103:0", in hexadecimal */
static void look_at_number(Search *search, const char *file, const char *user)
{
    g_autofree char *text = NULL;
    unsigned major, minor;

    if (file_read_value_at(search->place->sys_fd, file, &text) < 0 ||
        sscanf(text, "%x:%x", &major, &minor) != 2)
        return;
    const HolderNode *node = holder_node_find(search->nodes, true, major, minor);
    if (node)
        note(search, node, user);
}

/* Lines of "pktcdvd0 253:0 11:0": a device's own number, and the number of the device below it. */
static void look_at_map(Search *search, const char *file, const char *user)
{
    g_autofree char *text = NULL;

    if (file_read_all_at(search->place->sys_fd, file, INFO_LIMIT, &text, NULL) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        unsigned major, minor;
        const HolderNode *node = sscanf(*line, "%*s %*u:%*u %u:%u", &major, &minor) == 2
                                     ? holder_node_find(search->nodes, true, major, minor)
                                     : NULL;
        if (node)
            note(search, node, user);
    }
}

/* "Major: 259 Minor: 0" of iblock (iblock_show_configfs_dev_params()), "File: /dev/nvme0n1  Size: …" of
 * fileio (fd_show_configfs_dev_params()). */
static void look_at_lio(Search *search, const char *file, const char *user)
{
    g_autofree char *text = NULL;
    unsigned major, minor;

    if (file_read_all_at(search->place->sys_fd, file, INFO_LIMIT, &text, NULL) < 0)
        return;
    const char *number = strstr(text, "Major: "), *name = strstr(text, "File: ");
    const HolderNode *node = NULL;
    if (number && sscanf(number, "Major: %u Minor: %u", &major, &minor) == 2)
        node = holder_node_find(search->nodes, true, major, minor);
    if (!node && name) {
        g_auto(GStrv) parts = g_strsplit(name + strlen("File: "), "  Size:", 2);
        node = find_path(search, parts[0]);
    }
    if (node)
        note(search, node, user);
}

/* A caching disk has a link to its set; the cached ones have holders. */
static void look_at_cache(Search *search, const char *file, const char *user)
{
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);
    const HolderNode *node = find_named(search, parts[2]);

    if (node && faccessat(search->place->sys_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        note(search, node, user);
}

static const Place places[] = {
    {"block/*/loop/backing_file", "%s", look_at_loop},
    {"block/*/backing_dev", "%s", look_at_path}, /* zram */
    {"class/block/*/bcache/set", "bcache", look_at_cache},
    {"kernel/config/nvmet/subsystems/*/namespaces/*/device_path", "nvmet %s", look_at_path},
    {"kernel/config/nvmet/subsystems/*/passthru/device_path", "nvmet %s", look_at_path},
    {"kernel/config/target/core/*/*/info", "LIO %s", look_at_lio},
    {"kernel/config/usb_gadget/*/functions/*/*/file", "USB gadget %s", look_at_path},
    {"kernel/config/cluster/*/heartbeat/*/dev", "OCFS2 %s", look_at_name},
    {"kernel/scst_tgt/devices/*/filename", "SCST %s", look_at_path},
    {"class/rnbd-server/ctl/devices/*/block_dev", "rnbd %s", look_at_link},
    {"bus/xen-backend/devices/*/physical_device", "Xen %s", look_at_number},
    {"class/pktcdvd/device_map", "pktcdvd", look_at_map},
};

/* rest: the part of the pattern still to be matched below path. */
static void match(Search *search, const Place *where, const char *path, const char *rest, const char *names)
{
    const char *star = strchr(rest, '*');

    if (!star) {
        g_autofree char *file = g_strconcat(path, rest, NULL);
        g_autoptr(GString) user = g_string_new(where->words);
        g_string_replace(user, "%s", names, 1);
        where->look(search, file, user->str);
        return;
    }
    g_autofree char *folder = g_strdup_printf("%s%.*s", path, (int)(star - rest), rest);
    g_auto(GStrv) entries = NULL;
    if (file_list_at(search->place->sys_fd, folder, &entries) < 0)
        return;
    for (char **entry = entries; *entry; entry++) {
        g_autofree char *below = g_strconcat(folder, *entry, NULL);
        g_autofree char *joined = g_strconcat(names, *names ? "/" : "", *entry, NULL);
        match(search, where, below, star + 1, joined);
    }
}

void holder_kernel_add(const HolderPlace *place, GHashTable *nodes, GPtrArray *holders)
{
    g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Search search = {.place = place, .nodes = nodes, .holders = holders, .told = told};
    unsigned n, rounds = 0;

    /* One more round for each layer of loop devices. */
    do {
        n = g_hash_table_size(nodes);
        for (unsigned i = 0; n > 0 && i < G_N_ELEMENTS(places); i++)
            match(&search, &places[i], "", places[i].pattern, "");
    } while (g_hash_table_size(nodes) > n && ++rounds < ROUNDS_MAX);
}
