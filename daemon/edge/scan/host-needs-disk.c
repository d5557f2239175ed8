/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../../base/file.h"
#include "host-needs-private.h"

/* A disk with several controllers hangs below the subsystem that they share, beside links to them. */
static void note_nvme_controllers(const HostPlace *place, Host *host, const char *path, const char *reason)
{
    g_autofree char *subsystem = g_strdup(path);
    char *name = strstr(subsystem, "/nvme-subsys");
    while (name && strstr(name + 1, "/nvme-subsys"))
        name = strstr(name + 1, "/nvme-subsys");
    if (!name)
        return;
    name[1 + strcspn(name + 1, "/")] = '\0';

    g_auto(GStrv) entries = needs_list(place, subsystem);
    for (char **entry = entries; *entry; entry++) {
        if (!g_str_has_prefix(*entry, "nvme"))
            continue;
        g_autofree char *link = g_strdup_printf("%s/%s", subsystem, *entry);
        g_autofree char *controller = needs_resolve(place, link);
        if (controller)
            needs_note_path(host, controller, reason);
    }
}

static void note_disk(const HostPlace *place, Host *host, const char *link, const char *what, unsigned depth);

/* Follows a device to those that it is made of; a partition is made of what its disk is made of. */
static void note_slaves(const HostPlace *place, Host *host, const char *path, const char *what,
                        unsigned depth)
{
    g_autofree char *disk = g_path_get_dirname(path);
    const char *const owners[] = {path, disk};

    for (unsigned i = 0; i < G_N_ELEMENTS(owners); i++) {
        g_autofree char *folder = g_strdup_printf("%s/slaves", owners[i]);
        g_auto(GStrv) slaves = needs_list(place, folder);
        for (char **slave = slaves; *slave; slave++) {
            g_autofree char *link = g_strdup_printf("class/block/%s", *slave);
            note_disk(place, host, link, what, depth + 1);
        }
    }
}

/* By a name below /dev, as the kernel gives it; another's is a link, which sysfs does not know. */
static void note_node(const HostPlace *place, Host *host, const char *node, const char *what, unsigned depth)
{
    g_autofree char *name = g_path_get_basename(node), *link = g_strdup_printf("class/block/%s", name);

    if (g_str_has_prefix(node, "/dev/"))
        note_disk(place, host, link, what, depth);
}

/* Follows a loop device to the disk below it. If that is a file, its file system is mounted anyway. */
static void note_backing(const HostPlace *place, Host *host, const char *path, const char *what,
                         unsigned depth)
{
    g_autofree char *disk = g_path_get_dirname(path);
    const char *const owners[] = {path, disk};

    for (unsigned i = 0; i < G_N_ELEMENTS(owners); i++) {
        g_autofree char *file = g_strdup_printf("%s/loop/backing_file", owners[i]), *backing = NULL;
        if (file_read_value_at(place->sys_fd, file, &backing) >= 0)
            note_node(place, host, backing, what, depth + 1);
    }
}

/* A set of caches is no slave of the disk that it caches, and may hold data not written there yet
 * (Documentation/admin-guide/bcache.rst): /sys/block/bcache0/bcache/cache is the set. */
static void note_caches(const HostPlace *place, Host *host, const char *path, const char *reason)
{
    g_autofree char *folder = g_strdup_printf("%s/bcache/cache", path);
    g_auto(GStrv) entries = needs_list(place, folder);

    for (char **entry = entries; *entry; entry++) {
        g_autofree char *link = g_strdup_printf("%s/%s", folder, *entry);
        g_autofree char *cache = g_str_has_prefix(*entry, "cache") ? needs_resolve(place, link) : NULL;
        if (cache)
            needs_note_path(host, cache, reason);
    }
}

/* link: "dev/block/8:1" or "class/block/sda1"; what: "/" or "swap". */
static void note_disk(const HostPlace *place, Host *host, const char *link, const char *what, unsigned depth)
{
    g_autofree char *path = depth < STACK_MAX ? needs_resolve(place, link) : NULL;
    if (!path)
        return;

    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *reason = g_strdup_printf("%s on %s", what, name);
    note_caches(place, host, path, reason);
    if (needs_note_path(host, path, reason))
        return;
    note_nvme_controllers(place, host, path, reason);
    note_slaves(place, host, path, what, depth);
    note_backing(place, host, path, what, depth);
}

/* The disks that a file system has beside the mounted one: logdev= and rtdev= of XFS, jdev= of ReiserFS. */
static void note_options(const HostPlace *place, Host *host, const char *options, const char *what)
{
    g_auto(GStrv) all = g_strsplit(options, ",", -1);

    for (char **option = all; *option; option++) {
        const char *value = strchr(*option, '=');
        if (value)
            note_node(place, host, value + 1, what, 0);
    }
}

/* rest: "rw shared:1 - xfs /dev/sda1 rw,logdev=/dev/nvme0n1" of a line of mountinfo. Reads it only for a file
 * system on a disk, or bcachefs, which gives all its disks as the source: any user may have a FUSE file
 * system say what he likes. */
static void note_other_disks(const HostPlace *place, Host *host, const char *device, const char *rest,
                             const char *what)
{
    const char *kind = strstr(rest, " - ");
    g_auto(GStrv) fields = g_strsplit(kind ? kind + strlen(" - ") : "", " ", 3);

    if (g_strv_length(fields) < 3)
        return;
    if (!g_str_has_prefix(device, "0:"))
        note_options(place, host, fields[2], what);
    if (!g_str_equal(fields[0], "bcachefs"))
        return;
    g_auto(GStrv) disks = g_strsplit(fields[1], ":", -1);
    for (char **disk = disks; *disk; disk++)
        note_node(place, host, *disk, what, 0);
}

/* Of several mounts of one device the shortest path says most: "/", not the bind mounts of it. */
static int note_mounts(const HostPlace *place, Host *host)
{
    g_auto(GStrv) lines = NULL;
    int r = needs_read_lines(place, "self/mountinfo", &lines);
    if (r < 0)
        return r;
    g_autoptr(GHashTable) points = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (char **line = lines; *line; line++) {
        /* mount ID, parent, device, root, mount point, … (proc(5)). Device 0:n is no disk. */
        g_auto(GStrv) fields = g_strsplit(*line, " ", 6);
        if (g_strv_length(fields) < 6)
            continue;
        g_autofree char *point = g_strcompress(fields[4]);
        note_other_disks(place, host, fields[2], fields[5], point);
        if (g_str_has_prefix(fields[2], "0:"))
            continue;
        const char *known = g_hash_table_lookup(points, fields[2]);
        if (known && strlen(known) <= strlen(point))
            continue;
        if (!known) {
            char *device = g_strdup(fields[2]);
            g_ptr_array_add(order, device);
            g_hash_table_insert(points, device, g_steal_pointer(&point));
        } else {
            g_hash_table_insert(points, g_strdup(fields[2]), g_steal_pointer(&point));
        }
    }
    for (unsigned i = 0; i < order->len; i++) {
        const char *device = g_ptr_array_index(order, i);
        g_autofree char *link = g_strdup_printf("dev/block/%s", device);
        note_disk(place, host, link, g_hash_table_lookup(points, device), 0);
    }
    return 0;
}

/* btrfs may span several disks and shows a device number that is none of theirs; but it lists them while it
 * is mounted. */
static void note_btrfs(const HostPlace *place, Host *host)
{
    g_auto(GStrv) systems = needs_list(place, "fs/btrfs");

    for (char **system = systems; *system; system++) {
        g_autofree char *folder = g_strdup_printf("fs/btrfs/%s/devices", *system);
        g_auto(GStrv) disks = needs_list(place, folder);
        for (char **disk = disks; *disk; disk++) {
            g_autofree char *link = g_strdup_printf("class/block/%s", *disk);
            note_disk(place, host, link, "btrfs", 0);
        }
    }
}

/* bcachefs does the same (bch2_dev_sysfs_online() in fs/bcachefs/super.c). */
static void note_bcachefs(const HostPlace *place, Host *host)
{
    g_auto(GStrv) systems = needs_list(place, "fs/bcachefs");

    for (char **system = systems; *system; system++) {
        g_autofree char *folder = g_strdup_printf("fs/bcachefs/%s", *system);
        g_auto(GStrv) members = needs_list(place, folder);
        for (char **member = members; *member; member++) {
            g_autofree char *link = g_strdup_printf("%s/%s/block", folder, *member), *disk = NULL;
            if (file_link_name_at(place->sys_fd, link, &disk) < 0)
                continue;
            g_autofree char *path = g_strdup_printf("class/block/%s", disk);
            note_disk(place, host, path, "bcachefs", 0);
        }
    }
}

/* A journal beside its file system is called as its disk is, one within it "sda1-8" (jbd2_journal_init_dev()
 * and jbd2_journal_init_inode() in fs/jbd2/journal.c). */
static void note_journals(const HostPlace *place, Host *host)
{
    g_auto(GStrv) names = NULL;

    if (file_list_at(place->proc_fd, "fs/jbd2", &names) < 0)
        return;
    for (char **name = names; *name; name++) {
        g_autofree char *link = g_strdup_printf("class/block/%s", *name);
        note_disk(place, host, link, "journal", 0);
    }
}

static int note_swaps(const HostPlace *place, Host *host)
{
    g_auto(GStrv) lines = NULL;
    int r = needs_read_lines(place, "swaps", &lines);
    if (r < 0)
        return r;

    /* The heading is no path; a swap file lies on a file system, which is mounted. */
    for (char **line = lines; *line; line++) {
        if ((*line)[0] != '/' || !strstr(*line, "partition"))
            continue;
        g_autofree char *path = g_strndup(*line, strcspn(*line, " \t"));
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *link = g_strdup_printf("class/block/%s", name);
        note_disk(place, host, link, "swap", 0);
    }
    return 0;
}

int needs_note_disks(const HostPlace *place, Host *host)
{
    int r = note_mounts(place, host);
    if (r >= 0)
        r = note_swaps(place, host);
    if (r < 0)
        return r;
    note_btrfs(place, host);
    note_bcachefs(place, host);
    note_journals(place, host);
    return 0;
}

void needs_note_disk(const HostPlace *place, Host *host, const char *name, const char *what)
{
    g_autofree char *link = g_strdup_printf("class/block/%s", name);

    note_disk(place, host, link, what, 0);
}
