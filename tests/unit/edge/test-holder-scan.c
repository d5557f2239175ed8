/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A /sys and a /proc of files. The nodes of the fake devices have the numbers of /dev/null and its like, to
 * which the links of fake processes lead. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/hand/holder-scan.h"
#include "../scratch.h"
#include "../suite.h"

#define CARD "0000:01:00.0"
#define DISK "0000:02:00.0"
#define USB "0000:03:00.0"
#define CARD_PATH "sys/devices/pci0000:00/0000:00:01.0/" CARD
#define DISK_PATH "sys/devices/pci0000:00/" DISK
#define USB_PATH "sys/devices/pci0000:00/" USB

typedef struct Tree {
    char *path;
    HolderPlace place;
} Tree;

static Tree tree;

/* name is below the tree; its folders are made. */
static void put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(tree.path, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void put_link(const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(tree.path, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

/* A device with a node of that number below path. */
static void put_node(const char *path, const char *subsystem, const char *number)
{
    g_autofree char *dev = g_strconcat(path, "/dev", NULL), *link = g_strconcat(path, "/subsystem", NULL);
    g_autofree char *target = g_strconcat("../../class/", subsystem, NULL);
    put(dev, number);
    put_link(link, target);
}

static void put_process(unsigned pid, const char *command, const char *cgroup)
{
    g_autofree char *folder = g_strdup_printf("proc/%u", pid), *comm = g_strconcat(folder, "/comm", NULL);
    g_autofree char *group = g_strconcat(folder, "/cgroup", NULL), *maps = g_strconcat(folder, "/maps", NULL);
    g_autofree char *fd = g_strdup_printf("%s/%s/fd", tree.path, folder);
    put(comm, command);
    put(group, cgroup);
    put(maps, "7f00-7f01 r--p 00000000 fe:01 1234      /usr/lib/libc.so.6\n");
    ck_assert_int_eq(g_mkdir_with_parents(fd, 0755), 0);
}

static void open_file(unsigned pid, unsigned fd, const char *target)
{
    g_autofree char *link = g_strdup_printf("proc/%u/fd/%u", pid, fd);
    put_link(link, target);
}

static int open_below(const char *name)
{
    g_autofree char *path = g_build_filename(tree.path, name, NULL);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A card with a DRM node (1:3) and one for sound (1:5), a disk with a partition, and a controller with a
 * keyboard two hubs below (1:7). */
static void setup(void)
{
    tree = (Tree){.path = scratch_new("holders")};

    put_link("sys/bus/pci/devices/" CARD, "../../../devices/pci0000:00/0000:00:01.0/" CARD);
    put_link("sys/bus/pci/devices/" DISK, "../../../devices/pci0000:00/" DISK);
    put_link("sys/bus/pci/devices/" USB, "../../../devices/pci0000:00/" USB);
    put_node(CARD_PATH "/drm/card1", "drm", "1:3");
    put_node(CARD_PATH "/sound/card0/controlC0", "sound", "1:5");
    put_node(DISK_PATH "/nvme/nvme0/nvme0n1", "block", "259:0");
    put_node(DISK_PATH "/nvme/nvme0/nvme0n1/nvme0n1p1", "block", "259:1");
    put_node(USB_PATH "/usb1/1-1/1-1.2/1-1.2:1.0/input/input5/event5", "input", "1:7");
    put("proc/version", "Linux");
    tree.place = (HolderPlace){.sys_fd = open_below("sys"), .proc_fd = open_below("proc")};
    tree.place.dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
    close_fd(tree.place.sys_fd);
    close_fd(tree.place.proc_fd);
    close_fd(tree.place.dev_fd);
    scratch_remove(tree.path);
    g_free(tree.path);
}

/* One line a holder: "kind device what pid command unit session". */
static char *scan(const char *address)
{
    g_autoptr(GPtrArray) holders = NULL;
    GString *text = g_string_new(NULL);
    ck_assert_int_eq(holder_scan(&tree.place, (char *[]){(char *)address, NULL}, false, &holders), 0);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        g_string_append_printf(text, "%s %s %s %d %s %s %s\n", holder_kind_to_string(holder->kind),
                               holder->device, holder->what, holder->pid, holder->command, holder->unit,
                               holder->session);
    }
    return g_string_free(text, FALSE);
}

static void assert_held(const char *address, const char *expected)
{
    g_autofree char *found = scan(address);
    ck_assert_str_eq(found, expected);
}

START_TEST(a_device_that_nobody_uses_has_no_holders)
{
    put_process(50, "bash", "0::/user.slice/user-1000.slice/session-2.scope");
    open_file(50, 0, "/dev/zero");
    open_file(50, 1, "/no/such/file");
    assert_held(DISK, "");
    assert_held("0000:7f:00.0", "");
}
END_TEST

START_TEST(who_has_a_node_open_is_named_with_unit_and_session)
{
    put_process(812, "kwin_wayland",
                "0::/user.slice/user-1000.slice/user@1000.service/session.slice/x.service");
    put("proc/812/sessionid", "2");
    open_file(812, 3, "/dev/null");
    put_process(90, "player", "0::/user.slice/user-1000.slice/session-c4.scope");
    open_file(90, 3, "/dev/zero");
    assert_held(CARD, "file " CARD " /dev/zero 90 player session-c4.scope c4\n"
                      "file " CARD " /dev/null 812 kwin_wayland user@1000.service 2\n");
}
END_TEST

START_TEST(a_node_that_is_open_thrice_is_told_once)
{
    put_process(90, "player", "0::/");
    open_file(90, 3, "/dev/null");
    open_file(90, 4, "/dev/null");
    open_file(90, 5, "/dev/zero");
    assert_held(CARD, "file " CARD " /dev/null 90 player  \nfile " CARD " /dev/zero 90 player  \n");
}
END_TEST

START_TEST(what_hangs_below_a_usb_controller_holds_it)
{
    put_process(90, "reader", "0::/system.slice/reader.service");
    open_file(90, 3, "/dev/full");
    assert_held(USB, "file " USB " /dev/full 90 reader reader.service \n");
    assert_held(CARD, "");
}
END_TEST

START_TEST(those_who_keep_nodes_for_others_are_left_out)
{
    put_process(1, "systemd", "0::/init.scope");
    put_process(60, "systemd-logind", "0::/system.slice/systemd-logind.service");
    put_process(61, "systemd-udevd", "0::/system.slice/systemd-udevd.service");
    open_file(1, 9, "/dev/null");
    open_file(60, 9, "/dev/null");
    open_file(61, 9, "/dev/null");
    assert_held(CARD, "");
}
END_TEST

START_TEST(a_mapping_counts_when_the_file_is_closed)
{
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    g_autofree char *line = g_strdup_printf("7f00-7f01 rw-s 00000000 00:05 %lu      /dev/null\n"
                                            "7f02-7f03 rw-s 00000000 00:05 1      /dev/zero\n",
                                            (unsigned long)st.st_ino);
    put_process(90, "fbi", "0::/system.slice/fbi.service");
    put("proc/90/maps", line);
    assert_held(CARD, "mapping " CARD " /dev/null 90 fbi fbi.service \n");
}
END_TEST

/* The kernel lets others claim a disk that somebody has mapped. */
START_TEST(a_disk_that_is_mapped_is_in_use)
{
    g_autofree char *dev = g_build_filename(tree.path, "dev", NULL),
                    *path = g_build_filename(dev, "nvme0n1p1", NULL);
    struct stat st;
    ck_assert_int_eq(g_mkdir_with_parents(dev, 0755), 0);
    ck_assert_int_eq(mknod(path, S_IFBLK | 0600, makedev(259, 1)), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    close_fd(tree.place.dev_fd);
    tree.place.dev_fd = open_below("dev");
    g_autofree char *line =
        g_strdup_printf("7f00-7f01 rw-s 00000000 00:05 %lu      /dev/nvme0n1p1\n", (unsigned long)st.st_ino);
    put_process(90, "db", "0::/system.slice/db.service");
    put("proc/90/maps", line);
    assert_held(DISK, "mapping " DISK " /dev/nvme0n1p1 90 db db.service \n");
}
END_TEST

START_TEST(what_a_disk_is_part_of_holds_it)
{
    put_link(DISK_PATH "/nvme/nvme0/nvme0n1/nvme0n1p1/holders/dm-0", "../x");
    put("sys/class/block/dm-0/dev", "254:0");
    put("sys/class/block/dm-0/holders/md0/dev", "9:0");
    put("sys/class/block/md0/dev", "9:0");
    assert_held(DISK, "block " DISK " dm-0 on nvme0n1p1 0   \n"
                      "block " DISK " md0 on dm-0 0   \n");
}
END_TEST

static void put_mounts(unsigned pid, const char *namespace, const char *text)
{
    g_autofree char *link = g_strdup_printf("proc/%u/ns/mnt", pid),
                    *file = g_strdup_printf("proc/%u/mountinfo", pid);
    put_link(link, namespace);
    put(file, text);
}

START_TEST(a_mount_that_only_a_container_has_holds_the_disk)
{
    put_process(1, "systemd", "0::/init.scope");
    put_mounts(1, "mnt:[1]", "20 1 254:9 / / rw - ext4 /dev/vda rw\n");
    put_process(70, "postgres", "0::/system.slice/pg.service");
    put_mounts(70, "mnt:[2]",
               "20 1 254:9 / / rw - ext4 /dev/vda rw\n30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    put_process(71, "postgres", "0::/system.slice/pg.service");
    put_mounts(71, "mnt:[2]", "30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    put_process(72, "other", "0::/system.slice/other.service");
    put_mounts(72, "mnt:[3]", "30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    assert_held(DISK, "mount " DISK " nvme0n1p1 (at /my data) 70 postgres pg.service \n");
}
END_TEST

START_TEST(what_the_host_has_mounted_is_not_told_twice)
{
    put_process(1, "systemd", "0::/init.scope");
    put_mounts(1, "mnt:[1]", "20 1 259:1 / /data rw - ext4 x rw\n");
    put_process(70, "postgres", "0::/system.slice/pg.service");
    put_mounts(70, "mnt:[2]", "30 20 259:1 / /data rw - ext4 x rw\n");
    assert_held(DISK, "");
}
END_TEST

START_TEST(nodes_outside_of_sysfs_are_known_where_the_driver_tells)
{
    put("proc/driver/nvidia/gpus/" CARD "/information", "Model: \t\t X\nDevice Minor: \t 0\n");
    put_link(CARD_PATH "/iommu_group", "../../../kernel/iommu_groups/26");
    put("sys/class/vfio/26/dev", "1:7");
    put_process(90, "qemu", "0::/usher.slice/usher-guest@win10.service");
    open_file(90, 3, "/dev/full");
    assert_held(CARD, "file " CARD " /dev/full 90 qemu usher-guest@win10.service \n");
}
END_TEST

START_TEST(who_has_the_device_itself_open_at_vfio_holds_it)
{
    put_node(CARD_PATH "/vfio-dev/vfio0", "vfio-dev", "1:7");
    put_process(90, "qemu", "0::/machine.slice/x.scope");
    open_file(90, 3, "/dev/full");
    assert_held(CARD, "file " CARD " /dev/full 90 qemu x.scope \n");
}
END_TEST

/* Of a node that all have, a path that is not below /dev. */
#define ELSEWHERE "/proc/self/root/dev/full"

static void open_elsewhere(const char *what_is_there_for_us)
{
    put_link("dev" ELSEWHERE, what_is_there_for_us);
    close_fd(tree.place.dev_fd);
    tree.place.dev_fd = open_below("dev");
    put_node(CARD_PATH "/vfio-dev/vfio0", "vfio-dev", "1:7");
    put_process(90, "qemu", "0::/machine.slice/x.scope");
    open_file(90, 3, ELSEWHERE);
}

START_TEST(a_node_of_another_dev_is_named_as_it_is_here)
{
    open_elsewhere("/dev/full");
    assert_held(CARD, "file " CARD " /dev" ELSEWHERE " 90 qemu x.scope \n");
}
END_TEST

START_TEST(a_node_that_is_another_one_here_keeps_its_path)
{
    open_elsewhere("/dev/null");
    assert_held(CARD, "file " CARD " " ELSEWHERE " 90 qemu x.scope \n");
}
END_TEST

START_TEST(who_has_a_group_open_that_no_iommu_stands_behind_holds_it)
{
    put_link(CARD_PATH "/iommu_group", "../../../kernel/iommu_groups/0");
    put("sys/class/vfio/noiommu-0/dev", "1:7");
    put_process(90, "dpdk", "0::/system.slice/x.service");
    open_file(90, 3, "/dev/full");
    assert_held(CARD, "file " CARD " /dev/full 90 dpdk x.service \n");
}
END_TEST

START_TEST(who_has_a_mediated_devices_group_open_holds_it)
{
    static const char uuid[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    put_link("sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01/iommu_group",
             "../../../../kernel/iommu_groups/40");
    put("sys/class/vfio/40/dev", "1:7");
    put_process(90, "qemu", "0::/machine.slice/x.scope");
    open_file(90, 3, "/dev/full");
    assert_held(uuid, "file 4b20d080-1b54-4048-85b3-a6a62d165c01 /dev/full 90 qemu x.scope \n");
}
END_TEST

START_TEST(who_uses_what_is_behind_vmd_holds_it)
{
    put_link("sys/bus/pci/devices/0000:00:0e.0", "../../../devices/pci0000:00/0000:00:0e.0");
    put_node("sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0/ng0n1",
             "nvme-generic", "1:7");
    put_process(90, "nvme", "0::/");
    open_file(90, 3, "/dev/full");
    assert_held("0000:00:0e.0", "file 0000:00:0e.0 /dev/full 90 nvme  \n");
}
END_TEST

START_TEST(a_loop_of_links_is_not_walked)
{
    put_link(CARD_PATH "/drm/card1/device", "../..");
    put_link(CARD_PATH "/self", ".");
    put_process(90, "player", "0::/");
    open_file(90, 3, "/dev/null");
    assert_held(CARD, "file " CARD " /dev/null 90 player  \n");
}
END_TEST

START_TEST(what_is_no_address_is_not_looked_for)
{
    GPtrArray *holders = NULL;
    ck_assert_int_eq(holder_scan(&tree.place, (char *[]){(char *)"../../../etc", NULL}, false, &holders),
                     -EINVAL);
    ck_assert_ptr_null(holders);
}
END_TEST

SUITE_WITH("holder-scan", setup, teardown, a_device_that_nobody_uses_has_no_holders,
           who_has_a_node_open_is_named_with_unit_and_session, a_node_that_is_open_thrice_is_told_once,
           what_hangs_below_a_usb_controller_holds_it, those_who_keep_nodes_for_others_are_left_out,
           a_mapping_counts_when_the_file_is_closed, a_disk_that_is_mapped_is_in_use,
           what_a_disk_is_part_of_holds_it, a_mount_that_only_a_container_has_holds_the_disk,
           what_the_host_has_mounted_is_not_told_twice,
           nodes_outside_of_sysfs_are_known_where_the_driver_tells,
           who_has_the_device_itself_open_at_vfio_holds_it,
           a_node_of_another_dev_is_named_as_it_is_here,
           a_node_that_is_another_one_here_keeps_its_path,
           who_has_a_group_open_that_no_iommu_stands_behind_holds_it,
           who_has_a_mediated_devices_group_open_holds_it, who_uses_what_is_behind_vmd_holds_it,
           a_loop_of_links_is_not_walked, what_is_no_address_is_not_looked_for)
