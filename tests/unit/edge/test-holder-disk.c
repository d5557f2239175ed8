/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>

#include "../../../daemon/base/file.h"
#include "../../../daemon/edge/hand/holder-disk.h"
#include "../scratch.h"
#include "../suite.h"
#include "two-disks.h"

/* Who uses a disk, in words, one after the other. */
static char *users(const char *disk)
{
    HolderPlace place = {fake_host_sys_fd(host), fake_host_proc_fd(host), fake_host_dev_fd(host)};
    g_autofree char *attribute = g_strdup_printf("class/block/%s/dev", disk), *number = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    unsigned major, minor;
    GString *text = g_string_new(NULL);

    ck_assert_int_eq(file_read_value_at(place.sys_fd, attribute, &number), 0);
    ck_assert_int_eq(sscanf(number, "%u:%u", &major, &minor), 2);
    ck_assert_int_eq(holder_scan_disk(&place, major, minor, &holders), 0);
    for (unsigned i = 0; i < holders->len; i++) {
        g_autofree char *words = holder_describe(g_ptr_array_index(holders, i));
        g_string_append_printf(text, "%s\n", words);
    }
    return g_string_free(text, FALSE);
}

static void assert_users(const char *disk, const char *expected)
{
    g_autofree char *text = users(disk);

    ck_assert_str_eq(text, expected);
}

START_TEST(a_mounted_partition_holds_its_disk_and_no_other)
{
    fake_host_mount(host, "nvme0n1p2", "/srv");
    g_autofree char *disk = users("nvme0n1"), *part = users("nvme0n1p2");
    ck_assert_str_eq(disk, "nvme0n1p2 is needed by the host: mounted at /srv\n");
    ck_assert_str_eq(part, disk);
    assert_users("nvme0n1p1", "");
    assert_users("nvme1n1", "");
}
END_TEST

START_TEST(a_mounted_disk_holds_its_partitions)
{
    fake_host_mount(host, "nvme0n1", "/srv");
    assert_users("nvme0n1p1", "nvme0n1 is needed by the host: mounted at /srv\n");
}
END_TEST

START_TEST(swap_and_btrfs_are_told)
{
    fake_host_swap_on(host, "nvme0n1p1");
    fake_host_mount_btrfs(host, (const char *const[]){"nvme1n1p2", NULL}, "/data");
    assert_users("nvme0n1", "nvme0n1p1 is needed by the host: swap\n");
    assert_users("nvme1n1", "nvme1n1p2 is needed by the host: btrfs is mounted\n");
}
END_TEST

START_TEST(what_is_built_upon_a_disk_is_told_and_where_that_is_mounted)
{
    fake_host_stack_disk(host, "md0", "nvme0n1p1");
    fake_host_stack_disk(host, "dm-0", "md0");
    fake_host_mount(host, "dm-0", "/");
    assert_users("nvme0n1", "md0 on nvme0n1p1 of nvme0n1 is in use\ndm-0 on md0 of nvme0n1 is in use\n"
                            "dm-0 is needed by the host: mounted at /\n");
}
END_TEST

START_TEST(a_loop_device_holds_its_file)
{
    HolderPlace place = {fake_host_sys_fd(host), fake_host_proc_fd(host), fake_host_dev_fd(host)};
    g_autoptr(GPtrArray) holders = holders_new();
    g_autofree char *folder = g_build_filename(fake_host_path(host), "sys/block/loop3/loop", NULL);
    g_autofree char *file = g_build_filename(folder, "backing_file", NULL);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(file, "/srv/a.img\n", -1, NULL));

    holder_disk_add_loops(&place, "/srv/b.img", holders);
    ck_assert_uint_eq(holders->len, 0);
    holder_disk_add_loops(&place, "/srv/a.img", holders);
    ck_assert_uint_eq(holders->len, 1);
    g_autofree char *words = holder_describe(g_ptr_array_index(holders, 0));
    ck_assert_str_eq(words, "loop3 of /srv/a.img is in use");
}
END_TEST

SUITE_WITH("holder-disk", setup, teardown, a_mounted_partition_holds_its_disk_and_no_other,
           a_mounted_disk_holds_its_partitions, swap_and_btrfs_are_told,
           what_is_built_upon_a_disk_is_told_and_where_that_is_mounted, a_loop_device_holds_its_file)
