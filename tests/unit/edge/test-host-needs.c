/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../daemon/edge/scan/host-scan.h"
#include "../fake-host-private.h"
#include "../suite.h"

#define DISK "0000:02:00.0"
#define OTHER_DISK "0000:03:00.0"
#define CARD "0000:04:00.0"
#define OTHER_CARD "0000:05:00.0"

static FakeHost *host;

/* Two disks behind one bridge, two network cards. */
static void setup(void)
{
    host = fake_host_new();
    fake_host_add_bridge(host, "0000:00:01.0", NULL, 1);
    fake_host_add_disk(host, DISK, "0000:00:01.0", 2, "nvme0n1");
    fake_host_add_disk(host, OTHER_DISK, "0000:00:01.0", 3, "nvme1n1");
    fake_host_add_network_card(host, CARD, NULL, 4, "eth0");
    fake_host_add_network_card(host, OTHER_CARD, NULL, 5, "eth1");
}

static void teardown(void)
{
    host = fake_host_free(host);
}

/* needed: NULL if the host can spare it. */
static void assert_needed(const char *address, const char *needed)
{
    HostPlace place = {fake_host_sys_fd(host), fake_host_proc_fd(host), fake_host_dev_fd(host)};
    g_autoptr(Host) scanned = NULL;
    PciAddress parsed;
    ck_assert_int_eq(host_scan(&place, NULL, &scanned), 0);
    ck_assert_int_eq(pci_address_from_string(address, &parsed), 0);
    ck_assert_pstr_eq(host_find(scanned, parsed)->needed_for, needed);
}

/* In place of that one. */
static void an_empty_host(void)
{
    teardown();
    host = fake_host_new();
}

static void assert_spared(const char *address)
{
    assert_needed(address, NULL);
}

/* Below /proc. */
static void append_to(const char *file, const char *text)
{
    fake_tree_append(fake_host_proc_fd(host), file, text);
}

START_TEST(a_host_that_uses_nothing_can_spare_everything)
{
    assert_spared(DISK);
    assert_spared(CARD);
    assert_spared("0000:00:01.0");
}
END_TEST

START_TEST(the_disk_of_a_mounted_partition_is_needed_and_its_bridge_is_not_named)
{
    fake_host_mount(host, "nvme0n1p2", "/");
    assert_needed(DISK, "/ on nvme0n1p2");
    assert_spared(OTHER_DISK);
    assert_spared("0000:00:01.0");
}
END_TEST

START_TEST(a_whole_disk_that_is_mounted_is_needed)
{
    fake_host_mount(host, "nvme1n1", "/srv/my\\040games");
    assert_needed(OTHER_DISK, "/srv/my games on nvme1n1");
}
END_TEST

START_TEST(several_reasons_are_all_told_once)
{
    fake_host_mount(host, "nvme0n1p1", "/boot/efi");
    fake_host_mount(host, "nvme0n1p2", "/var/lib/bind");
    fake_host_mount(host, "nvme0n1p2", "/");
    fake_host_mount(host, "nvme0n1p2", "/tmp");
    fake_host_swap_on(host, "nvme0n1p1");
    assert_needed(DISK, "/boot/efi on nvme0n1p1, / on nvme0n1p2, swap on nvme0n1p1");
}
END_TEST

START_TEST(swap_on_a_disk_needs_it)
{
    fake_host_swap_on(host, "nvme1n1p1");
    assert_needed(OTHER_DISK, "swap on nvme1n1p1");
    assert_spared(DISK);
}
END_TEST

START_TEST(a_swap_file_and_compressed_memory_need_no_disk_of_their_own)
{
    fake_host_swap_on(host, "zram0");
    append_to("swaps", "/nvme0n1p1\t\t\t\tfile\t\t1048572\t\t0\t\t-3\n");
    assert_spared(DISK);
}
END_TEST

START_TEST(all_disks_below_a_stack_are_needed)
{
    fake_host_stack_disk(host, "md0", "nvme0n1p1");
    fake_host_stack_disk(host, "md0", "nvme1n1p1");
    fake_host_stack_disk(host, "dm-0", "md0");
    fake_host_stack_disk(host, "dm-1", "dm-0");
    assert_spared(DISK);
    fake_host_mount(host, "dm-1", "/home");
    assert_needed(DISK, "/home on nvme0n1p1");
    assert_needed(OTHER_DISK, "/home on nvme1n1p1");
}
END_TEST

START_TEST(a_partition_of_a_stack_needs_what_the_stack_is_made_of)
{
    fake_host_stack_disk(host, "md0", "nvme1n1");
    fake_host_mount(host, "md0p1", "/");
    assert_needed(OTHER_DISK, "/ on nvme1n1");
    assert_spared(DISK);
}
END_TEST

START_TEST(a_stack_that_goes_in_circles_ends)
{
    fake_host_stack_disk(host, "dm-0", "dm-1");
    fake_host_stack_disk(host, "dm-1", "dm-0");
    fake_host_mount(host, "dm-0", "/");
    assert_spared(DISK);
}
END_TEST

START_TEST(every_disk_of_a_btrfs_is_needed)
{
    fake_host_mount_btrfs(host, (const char *[]){"nvme0n1p2", "nvme1n1p2", NULL}, "/");
    assert_needed(DISK, "btrfs on nvme0n1p2");
    assert_needed(OTHER_DISK, "btrfs on nvme1n1p2");
}
END_TEST

START_TEST(every_controller_of_a_shared_nvme_disk_is_needed)
{
    an_empty_host();
    fake_host_add_function(host,
                           &(FakeFunction){.address = DISK, .group = 2, .class = 0x010802, .driver = "nvme"});
    fake_host_add_function(
        host, &(FakeFunction){.address = OTHER_DISK, .group = 3, .class = 0x010802, .driver = "nvme"});
    fake_host_add_shared_disk(host, "nvme0n1", (const char *[]){DISK, OTHER_DISK, NULL});
    assert_spared(DISK);
    fake_host_mount(host, "nvme0n1p1", "/");
    assert_needed(DISK, "/ on nvme0n1p1");
    assert_needed(OTHER_DISK, "/ on nvme0n1p1");
}
END_TEST

/* The disk hangs on the controller, and the controller on the function that hides it (VMD). */
START_TEST(what_is_on_the_way_to_a_needed_device_is_needed)
{
    an_empty_host();
    fake_host_add_function(
        host, &(FakeFunction){.address = "0000:00:0e.0", .group = 1, .class = 0x010400, .driver = "vmd"});
    fake_host_add_disk(host, "10000:e1:00.0", "0000:00:0e.0", 1, "nvme0n1");
    fake_host_mount(host, "nvme0n1p2", "/");
    assert_needed("10000:e1:00.0", "/ on nvme0n1p2");
    assert_needed("0000:00:0e.0", "/ on nvme0n1p2");
}
END_TEST

START_TEST(the_card_of_the_default_route_is_needed)
{
    fake_host_route_over(host, "eth0", false);
    assert_needed(CARD, "default route over eth0");
    assert_spared(OTHER_CARD);
    fake_host_route_over(host, "eth0", true);
    assert_needed(CARD, "default route over eth0");
}
END_TEST

START_TEST(a_default_route_of_version_six_counts_too)
{
    fake_host_route_over(host, "eth1", true);
    assert_needed(OTHER_CARD, "default route over eth1");
    assert_spared(CARD);
}
END_TEST

START_TEST(the_cards_below_a_bridge_or_bond_are_needed)
{
    fake_host_stack_interface(host, "bond0", "eth0");
    fake_host_stack_interface(host, "bond0", "eth1");
    fake_host_stack_interface(host, "br0", "bond0");
    fake_host_route_over(host, "br0", false);
    assert_needed(CARD, "default route over br0 (eth0)");
    assert_needed(OTHER_CARD, "default route over br0 (eth1)");
}
END_TEST

START_TEST(other_routes_need_no_card)
{
    append_to("net/route", "eth0\t0002000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
                           "eth0\t00000000\t00000000\t0001\t0\t0\t100\t000000C0\t0\t0\t0\n"
                           "eth0\t00000000\t00000000\t0000\t0\t0\t100\t00000000\t0\t0\t0\n"
                           "eth0\t00000000\t00000000\t0201\t0\t0\t100\t00000000\t0\t0\t0\n"
                           "garbage\n");
    append_to("net/ipv6_route",
              "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
              "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200     eth0\n"
              "00000000000000000000000000000000 01 00000000000000000000000000000000 00 "
              "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
              "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
              "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n");
    assert_spared(CARD);
}
END_TEST

/* 128 bytes each, as the kernel fills them up (fib_route_seq_show()). */
static void add_routes(const char *table, const char *line, unsigned n)
{
    int fd = openat(fake_host_proc_fd(host), table, O_WRONLY | O_APPEND | O_CLOEXEC);
    g_autoptr(GString) lines = g_string_new(NULL);

    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(lines, "%-127s\n", line);
    ck_assert_int_eq(write(fd, lines->str, lines->len), lines->len);
    close(fd);
}

/* 25 MB each. */
START_TEST(a_router_of_the_internet_has_devices)
{
    fake_host_route_over(host, "eth0", false);
    add_routes("net/route", "eth1\t0002000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0", 200000);
    add_routes("net/ipv6_route",
               "20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
               "00000000000000000000000000000000 0 1 0 1 eth1",
               200000);
    assert_needed(CARD, "default route over eth0");
    assert_spared(OTHER_CARD);
}
END_TEST

START_TEST(a_host_whose_mounts_cannot_be_read_gives_no_snapshot)
{
    ck_assert_int_eq(unlinkat(fake_host_proc_fd(host), "self/mountinfo", 0), 0);
    ck_assert_int_eq(symlinkat("mountinfo", fake_host_proc_fd(host), "self/mountinfo"), 0);
    HostPlace place = {.sys_fd = fake_host_sys_fd(host), .proc_fd = fake_host_proc_fd(host)};
    Host *scanned = NULL;
    ck_assert_int_eq(host_scan(&place, NULL, &scanned), -ELOOP);
    ck_assert_ptr_null(scanned);
}
END_TEST

/* A loop device over it has a file system that is mounted. */
START_TEST(the_disk_below_a_mounted_loop_device_is_needed)
{
    fake_host_add_loop(host, "loop7", "/dev/nvme0n1p1");
    fake_host_add_loop(host, "loop8", "/srv/a.img");
    fake_host_mount(host, "loop7p2", "/srv");
    fake_host_mount(host, "loop8", "/mnt");
    assert_needed(DISK, "/srv on nvme0n1p1");
    assert_spared(OTHER_DISK);
}
END_TEST

START_TEST(a_journal_beside_its_file_system_needs_its_disk)
{
    fake_tree_put(fake_host_proc_fd(host), "fs/jbd2/nvme0n1p1-8/info", "");
    assert_spared(DISK);
    fake_tree_put(fake_host_proc_fd(host), "fs/jbd2/nvme0n1/info", "");
    assert_needed(DISK, "journal on nvme0n1");
    append_to(
        "self/mountinfo",
        "40 1 7:0 / /data rw shared:1 - xfs /dev/loop0 rw,logdev=/dev/nvme1n1p1,rtdev=/dev/nvme1n1p2\n");
    assert_needed(OTHER_DISK, "/data on nvme1n1p1, /data on nvme1n1p2");
}
END_TEST

START_TEST(every_disk_of_a_bcachefs_is_needed)
{
    append_to("self/mountinfo", "40 1 0:45 / /data rw shared:1 - bcachefs /dev/nvme0n1p1:/dev/nvme1n1 rw\n");
    assert_needed(DISK, "/data on nvme0n1p1");
    assert_needed(OTHER_DISK, "/data on nvme1n1");
}
END_TEST

START_TEST(a_bcachefs_that_is_mounted_elsewhere_is_seen_in_sysfs)
{
    fake_tree_link(fake_host_sys_fd(host), "fs/bcachefs/4c1f-uuid/dev-0/block", "class/block/nvme1n1");
    assert_needed(OTHER_DISK, "bcachefs on nvme1n1");
    assert_spared(DISK);
}
END_TEST

/* fusermount(1) takes any text for a source, of any user. */
START_TEST(what_a_user_calls_his_file_system_needs_no_disk)
{
    append_to("self/mountinfo",
              "40 1 0:45 / /home/a/x rw - fuse.bcachefs /dev/nvme0n1p1:/dev/nvme1n1 rw,logdev=/dev/nvme0n1\n"
              "41 1 0:46 / /home/a/y rw - fuse /dev/nvme1n1 rw,user_id=1000\n");
    assert_spared(DISK);
    assert_spared(OTHER_DISK);
}
END_TEST

/* As bcache shows itself: the set of caches beside the disk that is cached. */
START_TEST(the_cache_of_a_mounted_disk_is_needed)
{
    g_autofree char *cache =
        fake_text("%s/nvme/nvme0/nvme1n1/bcache", fake_device_of(host, OTHER_DISK)->path);
    fake_host_stack_disk(host, "bcache0", "nvme0n1");
    fake_tree_make(fake_host_sys_fd(host), cache);
    fake_tree_link(fake_host_sys_fd(host), "fs/bcache/5b3f-uuid/cache0", cache);
    fake_tree_link(fake_host_sys_fd(host), "devices/virtual/block/bcache0/bcache/cache",
                   "fs/bcache/5b3f-uuid");
    fake_host_mount(host, "bcache0", "/");
    assert_needed(DISK, "/ on nvme0n1");
    assert_needed(OTHER_DISK, "/ on bcache0");
}
END_TEST

/* What udev keeps of a disk. */
static void found_by_udev(const char *disk, const char *text)
{
    g_autofree char *attribute = g_strdup_printf("%s/sys/class/block/%s/dev", fake_host_path(host), disk);
    g_autofree char *folder = g_build_filename(fake_host_path(host), "run/udev/data", NULL), *number = NULL;
    ck_assert(g_file_get_contents(attribute, &number, NULL, NULL));
    g_autofree char *path = g_strdup_printf("%s/b%s", folder, g_strstrip(number));
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

/* Root on ZFS: mountinfo names no disk, and nor does the kernel anywhere. */
START_TEST(the_disks_of_an_imported_zfs_pool_are_needed)
{
    append_to("self/mountinfo",
              "22 1 0:26 / / rw,relatime shared:1 - zfs rpool/ROOT/debian rw,xattr,posixacl\n");
    fake_tree_put(fake_host_proc_fd(host), "spl/kstat/zfs/rpool/state", "ONLINE\n");
    found_by_udev("nvme0n1p2",
                  "S:disk/by-label/rpool\nE:ID_FS_LABEL=rpool\nE:ID_FS_UUID=123\nE:ID_FS_TYPE=zfs_member\n");
    found_by_udev("nvme1n1p2", "E:ID_FS_LABEL=rpool\nE:ID_FS_TYPE=ext4\n");
    assert_needed(DISK, "ZFS pool rpool on nvme0n1p2");
    assert_spared(OTHER_DISK);
}
END_TEST

START_TEST(a_disk_of_another_zfs_pool_is_not_needed)
{
    found_by_udev("nvme0n1p2", "E:ID_FS_LABEL=tank\nE:ID_FS_UUID=123\nE:ID_FS_TYPE=zfs_member\n");
    found_by_udev("nvme1n1p2", "E:ID_FS_LABEL=rpool\nE:ID_FS_UUID=124\nE:ID_FS_TYPE=zfs_member\n");
    fake_tree_put(fake_host_proc_fd(host), "spl/kstat/zfs/rpool/guid", "123\n");
    assert_spared(DISK);
    assert_spared(OTHER_DISK);
}
END_TEST

SUITE_WITH("host-needs", setup, teardown, the_disk_below_a_mounted_loop_device_is_needed,
           a_journal_beside_its_file_system_needs_its_disk, every_disk_of_a_bcachefs_is_needed,
           a_bcachefs_that_is_mounted_elsewhere_is_seen_in_sysfs,
           what_a_user_calls_his_file_system_needs_no_disk, the_cache_of_a_mounted_disk_is_needed,
           the_disks_of_an_imported_zfs_pool_are_needed, a_disk_of_another_zfs_pool_is_not_needed,
           a_host_that_uses_nothing_can_spare_everything,
           the_disk_of_a_mounted_partition_is_needed_and_its_bridge_is_not_named,
           a_whole_disk_that_is_mounted_is_needed, several_reasons_are_all_told_once, swap_on_a_disk_needs_it,
           a_swap_file_and_compressed_memory_need_no_disk_of_their_own, all_disks_below_a_stack_are_needed,
           a_partition_of_a_stack_needs_what_the_stack_is_made_of, a_stack_that_goes_in_circles_ends,
           every_disk_of_a_btrfs_is_needed, every_controller_of_a_shared_nvme_disk_is_needed,
           what_is_on_the_way_to_a_needed_device_is_needed, the_card_of_the_default_route_is_needed,
           a_default_route_of_version_six_counts_too, the_cards_below_a_bridge_or_bond_are_needed,
           other_routes_need_no_card, a_router_of_the_internet_has_devices,
           a_host_whose_mounts_cannot_be_read_gives_no_snapshot)
