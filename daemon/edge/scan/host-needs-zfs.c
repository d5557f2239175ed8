/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/file.h"
#include "host-needs-private.h"

#define RECORD_LIMIT (64 * 1024)
/* One folder for each pool that is imported. */
#define POOLS "spl/kstat/zfs"

/* What udev found on a disk. */
typedef struct Member {
    char *pool; /* NULL: it is no disk of a pool's */
    char *guid; /* of the pool, in decimal; NULL: not told */
} Member;

static void member_clear(Member *member)
{
    g_free(member->pool);
    g_free(member->guid);
}

/* The kernel does not tell which disks a pool has; udev has looked at each for what is on it, and keeps that
 * below /run beside /dev. */
static void read_member(const HostPlace *place, const char *disk, Member *ret)
{
    g_autofree char *attribute = g_strdup_printf("class/block/%s/dev", disk), *number = NULL, *text = NULL;
    bool zfs = false;

    if (file_read_value_at(place->sys_fd, attribute, &number) < 0)
        return;
    g_autofree char *record = g_strdup_printf("../run/udev/data/b%s", number);
    if (file_read_all_at(place->dev_fd, record, RECORD_LIMIT, &text, NULL) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        zfs |= g_str_equal(*line, "E:ID_FS_TYPE=zfs_member");
        if (g_str_has_prefix(*line, "E:ID_FS_LABEL=") && !ret->pool)
            ret->pool = g_strdup(*line + strlen("E:ID_FS_LABEL="));
        if (g_str_has_prefix(*line, "E:ID_FS_UUID=") && !ret->guid)
            ret->guid = g_strdup(*line + strlen("E:ID_FS_UUID="));
    }
    if (!zfs)
        g_clear_pointer(&ret->pool, g_free);
}

/* Pools often share a name (rpool, tank): if the kernel tells the number (spa_guid_init() of OpenZFS 2.2),
 * that must match too. */
static bool is_imported(const HostPlace *place, const Member *member, char *const *pools)
{
    g_autofree char *file = NULL, *guid = NULL;

    if (!member->pool || !g_strv_contains((const char *const *)pools, member->pool))
        return false;
    file = g_strdup_printf(POOLS "/%s/guid", member->pool);
    return !member->guid || file_read_value_at(place->proc_fd, file, &guid) < 0 ||
           g_str_equal(guid, member->guid);
}

void needs_note_zfs(const HostPlace *place, Host *host)
{
    g_auto(GStrv) pools = NULL, disks = NULL;

    if (file_list_at(place->proc_fd, POOLS, &pools) < 0)
        return;
    disks = needs_list(place, "class/block");
    for (char **disk = disks; *disk; disk++) {
        __attribute__((cleanup(member_clear))) Member member = {};
        read_member(place, *disk, &member);
        if (is_imported(place, &member, pools)) {
            g_autofree char *what = g_strdup_printf("ZFS pool %s", member.pool);
            needs_note_disk(place, host, *disk, what);
        }
    }
}
