/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real links of the real kernel, in a network of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/file.h"
#include "../../../daemon/edge/hand/step-act.h"
#include "../../../daemon/edge/hand/link.h"
#include "../scratch.h"
#include "../suite.h"

#define NAME "ush-win10_lan"

/* The sysfs of a new network namespace, with the bridges br0 and br1. Check forks: the namespace goes with
 * the test. */
static int a_network(void)
{
    g_autofree char *path = scratch_new("link");

    ck_assert_msg(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "this test needs root: %m");
    ck_assert_int_eq(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(mount("sysfs", path, "sysfs", 0, NULL), 0);
    ck_assert_int_eq(
        system("ip link add br0 mtu 1400 type bridge && ip link add br1 type bridge && ip link set br0 up"),
        0);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    umount2(path, MNT_DETACH);
    scratch_remove(path);
    return fd;
}

static int dev(void)
{
    return open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void assert_link(int sys_fd, const char *name, const char *value)
{
    g_autofree char *found = NULL;

    ck_assert_int_eq(link_read(sys_fd, name, &found), 0);
    ck_assert_str_eq(found, value);
}

static void assert_attribute(int sys_fd, const char *path, const char *value)
{
    g_autofree char *found = NULL;

    ck_assert_int_eq(file_read_value_at(sys_fd, path, &found), 0);
    ck_assert_str_eq(found, value);
}

START_TEST(a_tap_device_is_a_port_of_its_bridge_until_it_is_taken_away)
{
    int sys_fd = a_network();
    static const char value[] = "tap on br0 as fe:54:00:12:34:56";

    assert_link(sys_fd, NAME, "");
    ck_assert_int_eq(link_make(sys_fd, NAME, value), 0);
    assert_link(sys_fd, NAME, value);
    /* Up, with the bridge's MTU (or that would fall to the port's), and no address of the host's. */
    assert_attribute(sys_fd, "class/net/" NAME "/mtu", "1400");
    assert_attribute(sys_fd, "class/net/br0/mtu", "1400");
    ck_assert_int_eq(system("ip -o link show dev " NAME " | grep -q '[<,]UP[,>]'"), 0);
    ck_assert_int_eq(system("ip -o -6 address show dev " NAME " | grep -q inet6"), 1 << 8);
    ck_assert_int_eq(link_remove(NAME), 0);
    assert_link(sys_fd, NAME, "");
}
END_TEST

START_TEST(a_tap_device_is_opened_once_and_goes_while_it_is_open)
{
    int sys_fd = a_network(), dev_fd = dev();
    struct ifreq request = {};

    ck_assert_int_eq(link_make(sys_fd, NAME, "tap on br0 as fe:54:00:12:34:56"), 0);
    _cleanup_close_ int fd = link_open(sys_fd, dev_fd, NAME);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ioctl(fd, TUNGETIFF, &request), 0);
    ck_assert_str_eq(request.ifr_name, NAME);
    ck_assert_int_eq(request.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR),
                     IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    ck_assert_int_eq(link_open(sys_fd, dev_fd, NAME), -EBUSY);
    ck_assert_int_eq(link_remove(NAME), 0);
    assert_link(sys_fd, NAME, "");
}
END_TEST

/* QEMU turns off the queues that the guest does not use yet. */
static void assert_two_queues(int sys_fd, int dev_fd)
{
    _cleanup_close_ int first = link_open(sys_fd, dev_fd, NAME), second = link_open(sys_fd, dev_fd, NAME);
    struct ifreq off = {.ifr_flags = IFF_DETACH_QUEUE}, on = {.ifr_flags = IFF_ATTACH_QUEUE};

    ck_assert_int_ge(first, 0);
    ck_assert_int_ge(second, 0);
    ck_assert_int_eq(ioctl(second, TUNSETQUEUE, &off), 0);
    ck_assert_int_eq(ioctl(second, TUNSETQUEUE, &on), 0);
}

START_TEST(a_tap_device_with_queues_is_opened_once_for_each)
{
    int sys_fd = a_network(), dev_fd = dev();
    static const char value[] = "mqtap on br0 as fe:54:00:12:34:56";

    ck_assert_int_eq(link_make(sys_fd, NAME, value), 0);
    assert_link(sys_fd, NAME, value);
    assert_two_queues(sys_fd, dev_fd);
    ck_assert_int_eq(link_remove(NAME), 0);
    assert_link(sys_fd, NAME, "");
}
END_TEST

START_TEST(a_macvtap_device_is_opened_once_for_each_queue)
{
    int sys_fd = a_network(), dev_fd = dev();

    ck_assert_int_eq(link_make(sys_fd, NAME, "macvtap on br1 as 52:54:00:12:34:56"), 0);
    assert_two_queues(sys_fd, dev_fd);
    ck_assert_int_eq(link_remove(NAME), 0);
}
END_TEST

START_TEST(a_macvtap_device_has_the_address_that_it_is_told)
{
    int sys_fd = a_network(), dev_fd = dev();
    static const char value[] = "macvtap on br1 as 52:54:00:12:34:56";

    ck_assert_int_eq(link_make(sys_fd, NAME, value), 0);
    assert_link(sys_fd, NAME, value);
    _cleanup_close_ int fd = link_open(sys_fd, dev_fd, NAME);
    ck_assert_int_ge(fd, 0);
    struct ifreq request = {};
    ck_assert_int_eq(ioctl(fd, TUNGETIFF, &request), 0);
    ck_assert_int_eq(link_remove(NAME), 0);
    assert_link(sys_fd, NAME, "");
}
END_TEST

START_TEST(what_cannot_be_made_leaves_nothing_behind)
{
    int sys_fd = a_network();
    static const char *const values[] = {
        "tap on br7 as fe:54:00:12:34:56",
        "tap on lo as fe:54:00:12:34:56",
        "macvtap on lo as 52:54:00:12:34:56",
        "macvtap on eth7 as 52:54:00:12:34:56",
        "tap on br0 as fe:54:00:12:34",
        "veth on br0 as fe:54:00:12:34:56",
        "tap on br0 as fe:54:00:12:34:56 x",
        "tap",
        "",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        ck_assert_msg(link_make(sys_fd, NAME, values[i]) < 0, "%s", values[i]);
        assert_link(sys_fd, NAME, "");
    }
    ck_assert_int_eq(link_remove(NAME), -ENODEV);
}
END_TEST

START_TEST(what_is_open_is_a_tap_device_that_is_there)
{
    int sys_fd = a_network(), dev_fd = dev();

    assert_link(sys_fd, "lo", "other");
    ck_assert_int_eq(link_open(sys_fd, dev_fd, "lo"), -ENODEV);
    ck_assert_int_eq(link_open(sys_fd, dev_fd, "tap7"), -ENODEV);
    assert_link(sys_fd, "tap7", "");
    ck_assert_int_eq(system("ip tuntap add tap7 mode tap multi_queue"), 0);
    _cleanup_close_ int fd = link_open(sys_fd, dev_fd, "tap7");
    ck_assert_int_ge(fd, 0);
}
END_TEST

/* As in the journal: the link is made, and undone whatever somebody did to it meanwhile. */
START_TEST(a_link_that_was_moved_is_taken_away_all_the_same)
{
    StepPlace place = {.sys_fd = a_network(), .dev_fd = dev()};
    g_autoptr(Step) step = step_new(STEP_LINK, NAME, "", "tap on br0 as fe:54:00:12:34:56");
    g_autoptr(Step) undo = step_undo(step);
    g_autofree char *live = NULL, *gone = NULL;
    GPtrArray *holders = NULL;
    int error = 0;

    ck_assert_int_eq(step_act(&place, step, &live, &error, &holders), WORKER_DONE);
    ck_assert_str_eq(live, step->after);
    ck_assert_int_eq(system("ip link set " NAME " master br1"), 0);
    assert_link(place.sys_fd, NAME, "tap on br1 as fe:54:00:12:34:56");
    ck_assert_int_eq(system("ip link del br1"), 0);
    assert_link(place.sys_fd, NAME, "tap on - as fe:54:00:12:34:56");
    ck_assert_int_eq(step_act(&place, undo, &gone, &error, &holders), WORKER_DONE);
    ck_assert_str_eq(gone, "");
}
END_TEST

START_TEST(links_that_are_not_ushers_are_not_touched)
{
    StepPlace place = {.sys_fd = a_network(), .dev_fd = dev()};
    static const char *const names[] = {"br0", "ush-../br0", "ush-br0/brif", "ush-a-name-too-long", ""};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Step) step = step_new(STEP_LINK, names[i], "other", "");
        g_autofree char *live = NULL;
        GPtrArray *holders = NULL;
        int error = 0;
        ck_assert_int_eq(step_act(&place, step, &live, &error, &holders), WORKER_FAILED);
        ck_assert_int_eq(error, -EINVAL);
    }
    assert_link(place.sys_fd, "br0", "other");
}
END_TEST

SUITE("link", a_tap_device_with_queues_is_opened_once_for_each,
      a_macvtap_device_is_opened_once_for_each_queue,
      a_tap_device_is_a_port_of_its_bridge_until_it_is_taken_away,
      a_tap_device_is_opened_once_and_goes_while_it_is_open, a_macvtap_device_has_the_address_that_it_is_told,
      what_cannot_be_made_leaves_nothing_behind, what_is_open_is_a_tap_device_that_is_there,
      a_link_that_was_moved_is_taken_away_all_the_same, links_that_are_not_ushers_are_not_touched)
