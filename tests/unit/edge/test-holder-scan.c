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

/* name is below the tree; its folders are made. */
static void put(const Tree *tree, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void put_link(const Tree *tree, const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

/* A device with a node of that number below path. */
static void put_node(const Tree *tree, const char *path, const char *subsystem, const char *number)
{
    g_autofree char *dev = g_strconcat(path, "/dev", NULL), *link = g_strconcat(path, "/subsystem", NULL);
    g_autofree char *target = g_strconcat("../../class/", subsystem, NULL);
    put(tree, dev, number);
    put_link(tree, link, target);
}

static void put_process(const Tree *tree, unsigned pid, const char *command, const char *cgroup)
{
    g_autofree char *folder = g_strdup_printf("proc/%u", pid), *comm = g_strconcat(folder, "/comm", NULL);
    g_autofree char *group = g_strconcat(folder, "/cgroup", NULL), *maps = g_strconcat(folder, "/maps", NULL);
    g_autofree char *fd = g_strdup_printf("%s/%s/fd", tree->path, folder);
    put(tree, comm, command);
    put(tree, group, cgroup);
    put(tree, maps, "7f00-7f01 r--p 00000000 fe:01 1234      /usr/lib/libc.so.6\n");
    ck_assert_int_eq(g_mkdir_with_parents(fd, 0755), 0);
}

static void open_file(const Tree *tree, unsigned pid, unsigned fd, const char *target)
{
    g_autofree char *link = g_strdup_printf("proc/%u/fd/%u", pid, fd);
    put_link(tree, link, target);
}

static int open_below(const Tree *tree, const char *name)
{
    g_autofree char *path = g_build_filename(tree->path, name, NULL);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A card with a DRM node (1:3) and one for sound (1:5), a disk of a partition, a controller with a keyboard
 * two hubs below (1:7). */
static Tree tree_new(void)
{
    Tree tree = {.path = scratch_new("holders")};

    put_link(&tree, "sys/bus/pci/devices/" CARD, "../../../devices/pci0000:00/0000:00:01.0/" CARD);
    put_link(&tree, "sys/bus/pci/devices/" DISK, "../../../devices/pci0000:00/" DISK);
    put_link(&tree, "sys/bus/pci/devices/" USB, "../../../devices/pci0000:00/" USB);
    put_node(&tree, CARD_PATH "/drm/card1", "drm", "1:3");
    put_node(&tree, CARD_PATH "/sound/card0/controlC0", "sound", "1:5");
    put_node(&tree, DISK_PATH "/nvme/nvme0/nvme0n1", "block", "259:0");
    put_node(&tree, DISK_PATH "/nvme/nvme0/nvme0n1/nvme0n1p1", "block", "259:1");
    put_node(&tree, USB_PATH "/usb1/1-1/1-1.2/1-1.2:1.0/input/input5/event5", "input", "1:7");
    put(&tree, "proc/version", "Linux");
    tree.place = (HolderPlace){.sys_fd = open_below(&tree, "sys"), .proc_fd = open_below(&tree, "proc")};
    tree.place.dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return tree;
}

static void tree_free(Tree *tree)
{
    close_fd(tree->place.sys_fd);
    close_fd(tree->place.proc_fd);
    close_fd(tree->place.dev_fd);
    scratch_remove(tree->path);
    g_free(tree->path);
}

#define A_TREE __attribute__((cleanup(tree_free))) Tree tree = tree_new()

/* One line a holder: "kind device what pid command unit session". */
static char *scan(const Tree *tree, const char *address)
{
    g_autoptr(GPtrArray) holders = NULL;
    GString *text = g_string_new(NULL);
    ck_assert_int_eq(holder_scan(&tree->place, (char *[]){(char *)address, NULL}, false, &holders), 0);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        g_string_append_printf(text, "%s %s %s %d %s %s %s\n", holder_kind_to_string(holder->kind),
                               holder->device, holder->what, holder->pid, holder->command, holder->unit,
                               holder->session);
    }
    return g_string_free(text, FALSE);
}

static void assert_held(const Tree *tree, const char *address, const char *expected)
{
    g_autofree char *found = scan(tree, address);
    ck_assert_str_eq(found, expected);
}

START_TEST(a_device_that_nobody_uses_has_no_holders)
{
    A_TREE;
    put_process(&tree, 50, "bash", "0::/user.slice/user-1000.slice/session-2.scope");
    open_file(&tree, 50, 0, "/dev/zero");
    open_file(&tree, 50, 1, "/no/such/file");
    assert_held(&tree, DISK, "");
    assert_held(&tree, "0000:7f:00.0", "");
}
END_TEST

START_TEST(who_has_a_node_open_is_named_with_unit_and_session)
{
    A_TREE;
    put_process(&tree, 812, "kwin_wayland",
                "0::/user.slice/user-1000.slice/user@1000.service/session.slice/x.service");
    put(&tree, "proc/812/sessionid", "2");
    open_file(&tree, 812, 3, "/dev/null");
    put_process(&tree, 90, "player", "0::/user.slice/user-1000.slice/session-c4.scope");
    open_file(&tree, 90, 3, "/dev/zero");
    assert_held(&tree, CARD,
                "file " CARD " /dev/zero 90 player session-c4.scope c4\n"
                "file " CARD " /dev/null 812 kwin_wayland user@1000.service 2\n");
}
END_TEST

START_TEST(a_node_that_is_open_thrice_is_told_once)
{
    A_TREE;
    put_process(&tree, 90, "player", "0::/");
    open_file(&tree, 90, 3, "/dev/null");
    open_file(&tree, 90, 4, "/dev/null");
    open_file(&tree, 90, 5, "/dev/zero");
    assert_held(&tree, CARD, "file " CARD " /dev/null 90 player  \nfile " CARD " /dev/zero 90 player  \n");
}
END_TEST

START_TEST(what_hangs_below_a_usb_controller_holds_it)
{
    A_TREE;
    put_process(&tree, 90, "reader", "0::/system.slice/reader.service");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, USB, "file " USB " /dev/full 90 reader reader.service \n");
    assert_held(&tree, CARD, "");
}
END_TEST

START_TEST(those_who_keep_nodes_for_others_are_left_out)
{
    A_TREE;
    put_process(&tree, 1, "systemd", "0::/init.scope");
    put_process(&tree, 60, "systemd-logind", "0::/system.slice/systemd-logind.service");
    put_process(&tree, 61, "systemd-udevd", "0::/system.slice/systemd-udevd.service");
    open_file(&tree, 1, 9, "/dev/null");
    open_file(&tree, 60, 9, "/dev/null");
    open_file(&tree, 61, 9, "/dev/null");
    assert_held(&tree, CARD, "");
}
END_TEST

START_TEST(a_mapping_counts_when_the_file_is_closed)
{
    A_TREE;
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    g_autofree char *line = g_strdup_printf("7f00-7f01 rw-s 00000000 00:05 %lu      /dev/null\n"
                                            "7f02-7f03 rw-s 00000000 00:05 1      /dev/zero\n",
                                            (unsigned long)st.st_ino);
    put_process(&tree, 90, "fbi", "0::/system.slice/fbi.service");
    put(&tree, "proc/90/maps", line);
    assert_held(&tree, CARD, "mapping " CARD " /dev/null 90 fbi fbi.service \n");
}
END_TEST

/* The kernel lets anybody else claim a disk that is mapped. */
START_TEST(a_disk_that_is_mapped_is_in_use)
{
    A_TREE;
    g_autofree char *dev = g_build_filename(tree.path, "dev", NULL),
                    *path = g_build_filename(dev, "nvme0n1p1", NULL);
    struct stat st;
    ck_assert_int_eq(g_mkdir_with_parents(dev, 0755), 0);
    ck_assert_int_eq(mknod(path, S_IFBLK | 0600, makedev(259, 1)), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    close_fd(tree.place.dev_fd);
    tree.place.dev_fd = open_below(&tree, "dev");
    g_autofree char *line = g_strdup_printf("7f00-7f01 rw-s 00000000 00:05 %lu      /dev/nvme0n1p1\n",
                                            (unsigned long)st.st_ino);
    put_process(&tree, 90, "db", "0::/system.slice/db.service");
    put(&tree, "proc/90/maps", line);
    assert_held(&tree, DISK, "mapping " DISK " /dev/nvme0n1p1 90 db db.service \n");
}
END_TEST

START_TEST(what_a_disk_is_part_of_holds_it)
{
    A_TREE;
    put_link(&tree, DISK_PATH "/nvme/nvme0/nvme0n1/nvme0n1p1/holders/dm-0", "../x");
    put(&tree, "sys/class/block/dm-0/dev", "254:0");
    put(&tree, "sys/class/block/dm-0/holders/md0/dev", "9:0");
    put(&tree, "sys/class/block/md0/dev", "9:0");
    assert_held(&tree, DISK,
                "block " DISK " dm-0 on nvme0n1p1 0   \n"
                "block " DISK " md0 on dm-0 0   \n");
}
END_TEST

static void put_mounts(const Tree *tree, unsigned pid, const char *namespace, const char *text)
{
    g_autofree char *link = g_strdup_printf("proc/%u/ns/mnt", pid),
                    *file = g_strdup_printf("proc/%u/mountinfo", pid);
    put_link(tree, link, namespace);
    put(tree, file, text);
}

START_TEST(a_mount_that_only_a_container_has_holds_the_disk)
{
    A_TREE;
    put_process(&tree, 1, "systemd", "0::/init.scope");
    put_mounts(&tree, 1, "mnt:[1]", "20 1 254:9 / / rw - ext4 /dev/vda rw\n");
    put_process(&tree, 70, "postgres", "0::/system.slice/pg.service");
    put_mounts(&tree, 70, "mnt:[2]",
               "20 1 254:9 / / rw - ext4 /dev/vda rw\n30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    put_process(&tree, 71, "postgres", "0::/system.slice/pg.service");
    put_mounts(&tree, 71, "mnt:[2]", "30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    put_process(&tree, 72, "other", "0::/system.slice/other.service");
    put_mounts(&tree, 72, "mnt:[3]", "30 20 259:1 / /my\\040data rw - ext4 x rw\n");
    assert_held(&tree, DISK, "mount " DISK " nvme0n1p1 (at /my data) 70 postgres pg.service \n");
}
END_TEST

START_TEST(what_the_host_has_mounted_is_not_told_twice)
{
    A_TREE;
    put_process(&tree, 1, "systemd", "0::/init.scope");
    put_mounts(&tree, 1, "mnt:[1]", "20 1 259:1 / /data rw - ext4 x rw\n");
    put_process(&tree, 70, "postgres", "0::/system.slice/pg.service");
    put_mounts(&tree, 70, "mnt:[2]", "30 20 259:1 / /data rw - ext4 x rw\n");
    assert_held(&tree, DISK, "");
}
END_TEST

START_TEST(nodes_outside_of_sysfs_are_known_where_the_driver_tells)
{
    A_TREE;
    put(&tree, "proc/driver/nvidia/gpus/" CARD "/information", "Model: \t\t X\nDevice Minor: \t 0\n");
    put_link(&tree, CARD_PATH "/iommu_group", "../../../kernel/iommu_groups/26");
    put(&tree, "sys/class/vfio/26/dev", "1:7");
    put_process(&tree, 90, "qemu", "0::/usher.slice/usher-guest@win10.service");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, CARD, "file " CARD " /dev/full 90 qemu usher-guest@win10.service \n");
}
END_TEST

START_TEST(who_has_the_device_itself_open_at_vfio_holds_it)
{
    A_TREE;
    put_node(&tree, CARD_PATH "/vfio-dev/vfio0", "vfio-dev", "1:7");
    put_process(&tree, 90, "qemu", "0::/machine.slice/x.scope");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, CARD, "file " CARD " /dev/full 90 qemu x.scope \n");
}
END_TEST

START_TEST(who_has_a_group_open_that_no_iommu_stands_behind_holds_it)
{
    A_TREE;
    put_link(&tree, CARD_PATH "/iommu_group", "../../../kernel/iommu_groups/0");
    put(&tree, "sys/class/vfio/noiommu-0/dev", "1:7");
    put_process(&tree, 90, "dpdk", "0::/system.slice/x.service");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, CARD, "file " CARD " /dev/full 90 dpdk x.service \n");
}
END_TEST

START_TEST(who_has_a_mediated_devices_group_open_holds_it)
{
    static const char uuid[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    A_TREE;
    put_link(&tree, "sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01/iommu_group",
             "../../../../kernel/iommu_groups/40");
    put(&tree, "sys/class/vfio/40/dev", "1:7");
    put_process(&tree, 90, "qemu", "0::/machine.slice/x.scope");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, uuid, "file 4b20d080-1b54-4048-85b3-a6a62d165c01 /dev/full 90 qemu x.scope \n");
}
END_TEST

START_TEST(who_uses_what_is_behind_vmd_holds_it)
{
    A_TREE;
    put_link(&tree, "sys/bus/pci/devices/0000:00:0e.0", "../../../devices/pci0000:00/0000:00:0e.0");
    put_node(&tree, "sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0/ng0n1",
             "nvme-generic", "1:7");
    put_process(&tree, 90, "nvme", "0::/");
    open_file(&tree, 90, 3, "/dev/full");
    assert_held(&tree, "0000:00:0e.0", "file 0000:00:0e.0 /dev/full 90 nvme  \n");
}
END_TEST

START_TEST(a_loop_of_links_is_not_walked)
{
    A_TREE;
    put_link(&tree, CARD_PATH "/drm/card1/device", "../..");
    put_link(&tree, CARD_PATH "/self", ".");
    put_process(&tree, 90, "player", "0::/");
    open_file(&tree, 90, 3, "/dev/null");
    assert_held(&tree, CARD, "file " CARD " /dev/null 90 player  \n");
}
END_TEST

START_TEST(what_is_no_address_is_not_looked_for)
{
    A_TREE;
    GPtrArray *holders = NULL;
    ck_assert_int_eq(holder_scan(&tree.place, (char *[]){(char *)"../../../etc", NULL}, false, &holders),
                     -EINVAL);
    ck_assert_ptr_null(holders);
}
END_TEST

SUITE("holder-scan", a_device_that_nobody_uses_has_no_holders,
      who_has_a_node_open_is_named_with_unit_and_session, a_node_that_is_open_thrice_is_told_once,
      what_hangs_below_a_usb_controller_holds_it, those_who_keep_nodes_for_others_are_left_out,
      a_mapping_counts_when_the_file_is_closed, a_disk_that_is_mapped_is_in_use, what_a_disk_is_part_of_holds_it,
      a_mount_that_only_a_container_has_holds_the_disk, what_the_host_has_mounted_is_not_told_twice,
      nodes_outside_of_sysfs_are_known_where_the_driver_tells, who_has_the_device_itself_open_at_vfio_holds_it,
      who_has_a_group_open_that_no_iommu_stands_behind_holds_it, who_has_a_mediated_devices_group_open_holds_it,
      who_uses_what_is_behind_vmd_holds_it, a_loop_of_links_is_not_walked,
      what_is_no_address_is_not_looked_for)
