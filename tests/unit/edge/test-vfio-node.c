/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The own nodes of devices in a /sys and a /dev of files. The nodes have the numbers of /dev/null and its
 * like, which open without a driver of VFIO's. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/hand/vfio-node.h"
#include "../scratch.h"
#include "../suite.h"

#define CARD "0000:01:00.0"
#define FOLDER "sys/bus/pci/devices/" CARD "/vfio-dev"
#define NODES "dev/vfio/devices"
#define NULL_MINOR 3
#define ZERO_MINOR 5

static char *tree;
static HolderPlace place;

static char *at(const char *name)
{
    return g_build_filename(tree, name, NULL);
}

static void make_folder(const char *name)
{
    g_autofree char *path = at(name);
    ck_assert_int_eq(g_mkdir_with_parents(path, 0755), 0);
}

static int open_folder(const char *name)
{
    g_autofree char *path = at(name);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void make_node(const char *name, unsigned minor_number)
{
    g_autofree char *path = at(name);
    ck_assert_int_eq(mknod(path, S_IFCHR | 0600, makedev(1, minor_number)), 0);
}

/* What sysfs says of the device of CARD: a name, and "major:minor". */
static void say(const char *name, const char *numbers)
{
    g_autofree char *folder = g_strconcat(FOLDER "/", name, NULL);
    g_autofree char *attribute = g_strconcat(tree, "/", folder, "/dev", NULL);
    make_folder(folder);
    ck_assert(g_file_set_contents(attribute, numbers, -1, NULL));
}

/* In a file system of the test's own: on /dev/shm and the like no node may be opened. */
static void set_up(void)
{
    tree = scratch_new("vfio-node");
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), 0);
    ck_assert_int_eq(mount("tmpfs", tree, "tmpfs", MS_NOSUID, NULL), 0);
    make_folder(NODES);
    make_folder(FOLDER);
    place = (HolderPlace){.sys_fd = open_folder("sys"), .dev_fd = open_folder("dev")};
}

static void tear_down(void)
{
    close(place.sys_fd);
    close(place.dev_fd);
    umount2(tree, MNT_DETACH);
    scratch_remove(tree);
    g_free(tree);
}

static void assert_opened(const char *what, unsigned minor_number)
{
    _cleanup_close_ int fd = vfio_node_open(&place, what);
    struct stat st;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(minor(st.st_rdev), minor_number);
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

START_TEST(a_device_is_opened_by_the_name_that_sysfs_has_for_it)
{
    say("vfio7", "1:3\n");
    make_node(NODES "/vfio7", NULL_MINOR);
    make_node(NODES "/vfio0", ZERO_MINOR);
    assert_opened(CARD, NULL_MINOR);
}
END_TEST

START_TEST(the_iommu_is_opened_by_its_path)
{
    make_node("dev/iommu", ZERO_MINOR);
    assert_opened("/dev/iommu", ZERO_MINOR);
}
END_TEST

START_TEST(nothing_else_is_opened)
{
    static const char *const others[] = {
        "",          "/dev/iommu/",      "/dev/../dev/iommu", "iommu", "/dev/vfio/vfio",
        "/dev/null", "01:00.0 ../vfio7", "/etc/shadow"};
    make_node("dev/iommu", ZERO_MINOR);
    make_node("dev/null", NULL_MINOR);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        ck_assert_int_eq(vfio_node_open(&place, others[i]), -EINVAL);
}
END_TEST

START_TEST(a_device_without_a_driver_of_vfios_has_no_node)
{
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENODEV);
    ck_assert_int_eq(vfio_node_open(&place, "0000:02:00.0"), -ENODEV);
}
END_TEST

START_TEST(other_names_and_half_numbers_are_no_node)
{
    say("power", "1:3\n");
    say("vfio7.old", "1:3\n");
    make_node(NODES "/power", NULL_MINOR);
    make_node(NODES "/vfio7.old", NULL_MINOR);
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENODEV);
    say("vfio7", "1\n");
    make_node(NODES "/vfio7", NULL_MINOR);
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENODEV);
}
END_TEST

START_TEST(a_node_that_udev_has_not_made_yet_is_said_to_be_missing)
{
    say("vfio7", "1:3\n");
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENOENT);
}
END_TEST

START_TEST(a_node_of_another_device_is_not_handed_out)
{
    say("vfio7", "1:3\n");
    make_node(NODES "/vfio7", ZERO_MINOR);
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENODEV);
}
END_TEST

START_TEST(a_link_or_a_file_in_its_place_is_not_taken)
{
    g_autofree char *node = at(NODES "/vfio7");
    say("vfio7", "1:3\n");
    make_node("dev/null", NULL_MINOR);
    ck_assert_int_eq(symlink("../../null", node), 0);
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ELOOP);
    ck_assert_int_eq(unlink(node), 0);
    ck_assert(g_file_set_contents(node, "", 0, NULL));
    ck_assert_int_eq(vfio_node_open(&place, CARD), -ENODEV);
}
END_TEST

SUITE_WITH("vfio-node", set_up, tear_down, a_device_is_opened_by_the_name_that_sysfs_has_for_it,
           the_iommu_is_opened_by_its_path, nothing_else_is_opened,
           a_device_without_a_driver_of_vfios_has_no_node, other_names_and_half_numbers_are_no_node,
           a_node_that_udev_has_not_made_yet_is_said_to_be_missing,
           a_node_of_another_device_is_not_handed_out, a_link_or_a_file_in_its_place_is_not_taken)
