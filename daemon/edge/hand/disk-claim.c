/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../base/cleanup.h"
#include "holder-nodes.h"

#define TRIES 5
#define WAIT_USEC (50 * 1000)

static void close_claimed(void *fd)
{
    close_fd(*(int *)fd);
}

DiskClaim *disk_claim_free(DiskClaim *claim)
{
    if (claim)
        g_array_unref(claim);
    return NULL;
}

/* The kernel writes "!" in sysfs for the "/" of a node's name ("cciss!c0d0"). */
static char *node_path(const HolderNode *node)
{
    return g_strdelimit(g_strdup(node->name), "!", '/');
}

/* O_NONBLOCK: a drive without a medium is open, too. */
static int open_node(const HolderPlace *place, const HolderNode *node, unsigned tries)
{
    g_autofree char *path = node_path(node);
    _cleanup_close_ int fd = -1;
    struct stat st;

    while (tries-- > 0) {
        fd = openat(place->dev_fd, path, O_RDONLY | O_EXCL | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0 || errno != EBUSY)
            break;
        if (tries > 0)
            g_usleep(WAIT_USEC);
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    /* Its name may have become another's since sysfs was read. */
    if (!S_ISBLK(st.st_mode) || major(st.st_rdev) != node->major || minor(st.st_rdev) != node->minor)
        return -ESTALE;
    return steal_fd(&fd);
}

static bool is_part_of(const HolderNode *node, const HolderNode *disk)
{
    return node->block && node->whole && g_str_equal(node->whole, disk->name) && node != disk;
}

/* A claim on the disk itself looks like claims on all its partitions (bd_may_claim()): then the disk is
 * named, otherwise the partitions that are claimed. */
static void name_busy(const HolderPlace *place, GHashTable *nodes, const HolderNode *disk, GPtrArray *busy)
{
    unsigned first = busy->len, parts = 0;
    GHashTableIter iter;
    const HolderNode *node;

    g_hash_table_iter_init(&iter, nodes);
    while (g_hash_table_iter_next(&iter, (void **)&node, NULL)) {
        if (!is_part_of(node, disk))
            continue;
        _cleanup_close_ int fd = open_node(place, node, 1);
        parts++;
        if (fd == -EBUSY)
            g_ptr_array_add(busy, g_strdup(node->name));
    }
    if (busy->len - first < parts && busy->len > first)
        return;
    g_ptr_array_set_size(busy, first);
    g_ptr_array_add(busy, g_strdup(disk->name));
}

/* Nobody can have the disk: it has gone, or has no node, or the node is another disk's by now. */
static bool is_gone(int error)
{
    return error == -ENOENT || error == -ENXIO || error == -ENODEV || error == -ENOMEDIUM || error == -ESTALE;
}

int disk_claim_take(const HolderPlace *place, GHashTable *nodes, DiskClaim **ret, GPtrArray *busy)
{
    DiskClaim *claim = g_array_new(FALSE, FALSE, sizeof(int));
    unsigned first = busy->len;
    GHashTableIter iter;
    const HolderNode *node;
    int error = 0;

    g_array_set_clear_func(claim, close_claimed);
    g_hash_table_iter_init(&iter, nodes);
    while (g_hash_table_iter_next(&iter, (void **)&node, NULL)) {
        /* A partition cannot be claimed beside its disk. */
        if (!node->block || !node->whole || !g_str_equal(node->whole, node->name))
            continue;
        int fd = open_node(place, node, TRIES);
        if (fd >= 0)
            g_array_append_val(claim, fd);
        else if (fd == -EBUSY)
            name_busy(place, nodes, node, busy);
        else if (!is_gone(fd))
            error = fd;
    }
    if (error < 0 || busy->len > first) {
        disk_claim_free(claim);
        return busy->len > first ? 1 : error;
    }
    *ret = claim;
    return 0;
}
