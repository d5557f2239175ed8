/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has a disk open inside the kernel, told by sysfs and configfs as they look. */
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../../daemon/edge/hand/holder-kernel.h"
#include "../../../daemon/edge/hand/holder-nodes.h"
#include "../fake-host-private.h"
#include "../scratch.h"
#include "../suite.h"
#include "two-disks.h"

static char *users(void)
{
    HolderPlace place = {fake_host_sys_fd(host), fake_host_proc_fd(host), fake_host_dev_fd(host)};
    g_autoptr(GPtrArray) holders = holders_new();
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    GString *text = g_string_new(NULL);

    holder_nodes_add(&place, NVME, nodes, holders);
    holder_kernel_add(&place, nodes, holders);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        ck_assert_int_eq(holder->kind, HOLDER_BLOCK);
        ck_assert_str_eq(holder->device, NVME);
        g_string_append_printf(text, "%s\n", holder->what);
    }
    return g_string_free(text, FALSE);
}

static void assert_users(const char *expected)
{
    g_autofree char *text = users();
    ck_assert_str_eq(text, expected);
}

static void put(const char *path, const char *text)
{
    fake_tree_put(fake_host_sys_fd(host), path, text);
}

/* As the fake host gives it. */
static void read_number(const char *disk, unsigned *major, unsigned *minor)
{
    g_autofree char *path = g_strdup_printf("%s/sys/class/block/%s/dev", fake_host_path(host), disk),
                    *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_int_eq(sscanf(text, "%u:%u", major, minor), 2);
}

START_TEST(a_disk_that_nobody_uses_has_no_users)
{
    fake_host_add_loop(host, "loop1", "/srv/a.img");
    fake_host_add_loop(host, "loop2", "/dev/nvme1n1");
    put("block/zram0/backing_dev", "none\n");
    put("kernel/config/nvmet/subsystems/lab/namespaces/1/device_path", "(null)\n");
    assert_users("");
}
END_TEST

START_TEST(loop_devices_are_followed_through_partitions_stacks_and_one_another)
{
    fake_host_add_loop(host, "loop7", "/dev/nvme0n1p2");
    fake_host_add_loop(host, "loop3", "/dev/loop7p1");
    fake_host_stack_disk(host, "dm-0", "loop3");
    assert_users("loop7 on nvme0n1p2\nloop3 on loop7p1\ndm-0 on loop3\n");
}
END_TEST

START_TEST(a_loop_device_over_what_is_built_upon_the_disk_uses_it)
{
    fake_host_stack_disk(host, "dm-0", "nvme0n1");
    fake_host_add_loop(host, "loop7", "/dev/dm-0");
    assert_users("dm-0 on nvme0n1\nloop7 on dm-0\n");
}
END_TEST

/* A real one, over whatever is at the path; it is gone as soon as nobody has it open. */
static int set_up_loop(const char *backing, unsigned *number)
{
    struct loop_config config = {.info.lo_flags = LO_FLAGS_AUTOCLEAR};
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), file = open(backing, O_RDWR | O_CLOEXEC), fd;
    ck_assert_msg(control >= 0, "this test needs root and loop devices: %m");
    ck_assert_int_ge(file, 0);
    config.fd = file;
    do {
        int free = ioctl(control, LOOP_CTL_GET_FREE);
        ck_assert_int_ge(free, 0);
        *number = free;
        g_autofree char *path = g_strdup_printf("/dev/loop%d", free);
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
            break;
        /* Somebody else was faster. */
        ck_assert_int_eq(errno, EBUSY);
        close(fd);
    } while (true);
    close(file);
    close(control);
    return fd;
}

START_TEST(a_loop_device_over_a_node_of_another_name_uses_the_disk)
{
    g_autofree char *folder = scratch_new("loop"), *image = g_build_filename(folder, "image", NULL);
    g_autofree char *node = g_strdup_printf("/dev/usher-test-%d", getpid());
    unsigned disk, upper;
    struct stat st;
    int image_fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(image_fd, 1 << 20), 0);
    int disk_fd = set_up_loop(image, &disk);
    ck_assert_int_eq(fstat(disk_fd, &st), 0);
    ck_assert_int_eq(mknod(node, S_IFBLK | 0600, st.st_rdev), 0);
    int upper_fd = set_up_loop(node, &upper);
    ck_assert_int_eq(unlink(node), 0);

    HolderPlace place = {.sys_fd = open("/sys", O_PATH | O_CLOEXEC),
                         .proc_fd = open("/proc", O_PATH | O_CLOEXEC),
                         .dev_fd = open("/dev", O_PATH | O_CLOEXEC)};
    g_autoptr(GPtrArray) holders = holders_new();
    g_autoptr(GHashTable) nodes = holder_nodes_new();
    holder_nodes_add_disk(&place, major(st.st_rdev), minor(st.st_rdev), nodes, holders);
    holder_kernel_add(&place, nodes, holders);
    ck_assert_uint_eq(holders->len, 1);
    const Holder *holder = g_ptr_array_index(holders, 0);
    g_autofree char *expected = g_strdup_printf("loop%u on loop%u", upper, disk);
    ck_assert_str_eq(holder->what, expected);

    close(upper_fd);
    close(disk_fd);
    close(image_fd);
    close(place.sys_fd);
    close(place.proc_fd);
    close(place.dev_fd);
    scratch_remove(folder);
}
END_TEST

/* Documentation/nvme; nvmet_bdev_ns_enable() opens it without a holder. */
START_TEST(an_exported_namespace_is_a_user)
{
    put("kernel/config/nvmet/subsystems/lab/namespaces/1/device_path", "/dev/nvme0n1\n");
    put("kernel/config/nvmet/subsystems/lab/namespaces/2/device_path", "/dev/nvme1n1\n");
    assert_users("nvmet lab/1 on nvme0n1\n");
}
END_TEST

/* As iblock_show_configfs_dev_params() and fd_show_configfs_dev_params() write it. */
START_TEST(a_lun_of_lio_is_a_user)
{
    unsigned major, minor;
    read_number("nvme0n1p1", &major, &minor);
    g_autofree char *iblock =
        fake_text("Status: ACTIVATED  Max Queue Depth: 128  SectorSize: 512  HwMaxSectors: 128\n"
                  "        iBlock device: nvme0n1p1  UDEV PATH: /dev/disk/by-id/x  readonly: 0\n"
                  "        Major: %u Minor: %u  CLAIMED: IBLOCK\n",
                  major, minor);
    put("kernel/config/target/core/iblock_0/a/info", iblock);
    put("kernel/config/target/core/fileio_0/b/info",
        "Status: ACTIVATED  Max Queue Depth: 128  SectorSize: 512  HwMaxSectors: 16384\n"
        "        TCM FILEIO ID: 0        File: /dev/nvme0n1  Size: 67108864  Mode: O_DSYNC Async: 0\n");
    put("kernel/config/target/core/fileio_0/c/info",
        "Status: ACTIVATED\n        TCM FILEIO ID: 0        File: /srv/nvme  Size: 1  Mode: O_DSYNC\n");
    assert_users("LIO fileio_0/b on nvme0n1\nLIO iblock_0/a on nvme0n1p1\n");
}
END_TEST

START_TEST(caches_gadgets_and_other_exports_are_users)
{
    unsigned major, minor;
    read_number("nvme0n1", &major, &minor);
    g_autofree char *xen = fake_text("%x:%x\n", major, minor);
    g_autofree char *map = fake_text("pktcdvd0 253:0 %u:%u\n", major, minor);
    put("block/zram0/backing_dev", "/dev/nvme0n1p1\n");
    put("kernel/config/usb_gadget/g1/functions/mass_storage.0/lun.0/file", "/dev/nvme0n1\n");
    put("kernel/config/cluster/web/heartbeat/9AD6/dev", "nvme0n1p2\n");
    put("kernel/scst_tgt/devices/disk1/filename", "/dev/nvme0n1\n[key]\n");
    put("bus/xen-backend/devices/vbd-3-51712/physical_device", xen);
    put("class/pktcdvd/device_map", map);
    put("fs/bcache/5b3f-uuid/congested", "0\n");
    fake_tree_link(fake_host_sys_fd(host), "class/block/nvme0n1/bcache/set", "fs/bcache/5b3f-uuid");
    fake_tree_link(fake_host_sys_fd(host), "class/rnbd-server/ctl/devices/d/block_dev",
                   "class/block/nvme0n1");
    assert_users("zram0 on nvme0n1p1\nbcache on nvme0n1\nUSB gadget g1/mass_storage.0/lun.0 on nvme0n1\n"
                 "OCFS2 web/9AD6 on nvme0n1p2\nSCST disk1 on nvme0n1\nrnbd d on nvme0n1\n"
                 "Xen vbd-3-51712 on nvme0n1\npktcdvd on nvme0n1\n");
}
END_TEST

/* What a container calls /nvme0n1, whose /dev is a file system of its own, is no path of ours. */
START_TEST(a_path_of_another_namespace_is_known_by_its_name)
{
    fake_host_add_loop(host, "loop7", "/nvme0n1");
    assert_users("loop7 on nvme0n1\n");
}
END_TEST

SUITE_WITH("holder-kernel", setup, teardown, a_disk_that_nobody_uses_has_no_users,
           loop_devices_are_followed_through_partitions_stacks_and_one_another,
           a_loop_device_over_what_is_built_upon_the_disk_uses_it,
           a_loop_device_over_a_node_of_another_name_uses_the_disk, an_exported_namespace_is_a_user,
           a_lun_of_lio_is_a_user, caches_gadgets_and_other_exports_are_users,
           a_path_of_another_namespace_is_known_by_its_name)
