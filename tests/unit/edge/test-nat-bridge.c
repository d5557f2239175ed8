/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real kernel's bridge and addresses, in a network of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/host/nat-range.h"
#include "../../../daemon/edge/hand/nat-bridge.h"
#include "../scratch.h"
#include "../suite.h"

#define RANGE 0xc0a89600 /* 192.168.150.0 */

/* The sysfs of a new network namespace. Check forks: the namespace goes with the test. */
static int a_network(void)
{
    g_autofree char *path = scratch_new("nat");

    ck_assert_msg(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "this test needs root: %m");
    ck_assert_int_eq(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(mount("sysfs", path, "sysfs", 0, NULL), 0);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    umount2(path, MNT_DETACH);
    scratch_remove(path);
    return fd;
}

static int make_bridge(void)
{
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return nat_bridge_make(proc_fd, RANGE);
}

static void assert_says(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

static bool is_taken(uint32_t range)
{
    g_autoptr(GArray) taken = NULL;

    ck_assert_int_eq(nat_bridge_taken(&taken), 0);
    return !nat_range_free(range, taken);
}

START_TEST(the_bridge_is_up_with_its_address_until_it_is_removed)
{
    _cleanup_close_ int sys_fd = a_network();

    ck_assert_int_eq(make_bridge(), 0);
    assert_says("ip -o -4 address show dev usher0 | grep -q 'inet 192.168.150.1/24 brd 192.168.150.255'");
    assert_says("ip -o link show dev usher0 | grep -q '[<,]UP[,>]'");
    assert_says("ip -d link show dev usher0 | grep -qw bridge");
    ck_assert_int_eq(nat_bridge_remove(sys_fd), 0);
    assert_says("! ip link show dev usher0 2>/dev/null");
    ck_assert_int_eq(nat_bridge_remove(sys_fd), 0);
}
END_TEST

/* By router advertisements, as accept_ra is 1 there. */
START_TEST(no_guest_becomes_the_hosts_router)
{
    _cleanup_close_ int sys_fd = a_network();

    ck_assert_int_eq(make_bridge(), 0);
    assert_says("ip link add port type veth && ip link set port master usher0 && ip link set port up");
    assert_says("test -z \"$(ip -6 address show dev usher0)\"");
    assert_says("grep -qx 1 /proc/sys/net/ipv6/conf/usher0/disable_ipv6");
    ck_assert_int_eq(nat_bridge_remove(sys_fd), 0);
}
END_TEST

START_TEST(a_port_does_not_change_the_bridges_own_address)
{
    _cleanup_close_ int sys_fd = a_network();

    ck_assert_int_eq(make_bridge(), 0);
    assert_says("ip link add port address 02:00:00:00:00:01 type veth && ip link set port master usher0");
    assert_says("ip link show dev usher0 | grep -q " NAT_BRIDGE_ADDRESS);
    ck_assert_int_eq(nat_bridge_remove(sys_fd), 0);
}
END_TEST

START_TEST(a_link_of_somebody_elses_with_that_name_stays)
{
    _cleanup_close_ int sys_fd = a_network();

    assert_says("ip link add usher0 type bridge");
    ck_assert_int_eq(make_bridge(), -EEXIST);
    ck_assert_int_eq(nat_bridge_remove(sys_fd), 0);
    assert_says("ip link show dev usher0 >/dev/null");
}
END_TEST

START_TEST(addresses_and_routes_of_all_tables_are_taken_up_or_down)
{
    _cleanup_close_ int sys_fd = a_network();

    ck_assert(!is_taken(RANGE));
    assert_says("ip link add d0 type bridge && ip address add 192.168.150.77/28 dev d0");
    ck_assert(is_taken(RANGE));
    ck_assert(!is_taken(0xc0a89700));
    assert_says("ip link set d0 up && ip route add 192.168.151.0/24 dev d0 table 77");
    ck_assert(is_taken(0xc0a89700));
    assert_says("ip route add default via 192.168.150.78 dev d0");
    ck_assert(!is_taken(0xc0a89800));
    assert_says("ip route add blackhole 192.168.152.0/22");
    ck_assert(is_taken(0xc0a89800));
}
END_TEST

SUITE("nat-bridge", the_bridge_is_up_with_its_address_until_it_is_removed, no_guest_becomes_the_hosts_router,
      a_port_does_not_change_the_bridges_own_address, a_link_of_somebody_elses_with_that_name_stays,
      addresses_and_routes_of_all_tables_are_taken_up_or_down)
