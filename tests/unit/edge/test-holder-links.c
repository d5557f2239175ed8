/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real links, addresses, and routes of the real kernel, in a network of the test's own; what sysfs says of
 * the cards is made of files. The card is one end of a virtual cable, as nothing else is on every machine. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/hand/holder-links.h"
#include "../scratch.h"
#include "../suite.h"

#define CARD "0000:02:00.0"
#define OTHER_CARD "0000:03:00.0"

static char *tree;

static void put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(tree, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void put_link(const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(tree, name, NULL), *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void run(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* As sysfs shows it. */
static void show(const char *name, const char *address)
{
    g_autofree char *target = g_strdup_printf("../../devices/pci0000:00/%s/net/%s", address, name);
    g_autofree char *link = g_strdup_printf("sys/class/net/%s", name);
    g_autofree char *file = g_strdup_printf("sys/devices/pci0000:00/%s/net/%s/ifindex", address, name);
    g_autofree char *index = g_strdup_printf("%u", if_nametoindex(name));
    put(file, index);
    put_link(link, target);
}

/* Check forks: the namespace goes with the test. */
static void a_network_with_two_cards(void)
{
    tree = scratch_new("holder-links");
    ck_assert_msg(unshare(CLONE_NEWNET) == 0, "this test needs root: %m");
    run("ip link add eth1 type veth peer name far1 && ip link add eth2 type veth peer name far2");
    run("ip link set far1 up && ip link set far2 up && ip link set eth1 up && ip link set eth2 up");
    show("eth1", CARD);
    show("eth2", OTHER_CARD);
}

static void a_network_ends(void)
{
    scratch_remove(tree);
    g_free(tree);
}

/* expected: what is told of the first card, in one line; "" for nothing. */
static void assert_uses(const char *expected)
{
    g_autofree char *sys = g_build_filename(tree, "sys", NULL), *proc = g_build_filename(tree, "proc", NULL);
    _cleanup_close_ int sys_fd = open(sys, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int proc_fd =
        open(g_file_test(proc, G_FILE_TEST_IS_DIR) ? proc : "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    HolderPlace place = {.sys_fd = sys_fd, .proc_fd = proc_fd, .dev_fd = -1};
    g_autoptr(GPtrArray) holders = holders_new();
    g_autoptr(GString) found = g_string_new(NULL);

    ck_assert_int_eq(holder_links_add(&place, (char *[]){(char *)CARD, NULL}, holders), 0);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        ck_assert_str_eq(holder->device, CARD);
        g_string_append_printf(found, "%s%s %s", i > 0 ? ", " : "", holder_kind_to_string(holder->kind),
                               holder->what);
    }
    ck_assert_str_eq(found->str, expected);
}

START_TEST(a_link_that_is_up_and_no_more_is_not_used)
{
    assert_uses("");
}
END_TEST

START_TEST(a_link_with_an_address_is_used_until_it_is_down)
{
    run("ip address add 192.0.2.1/24 dev eth2");
    assert_uses("");
    run("ip address add 192.0.2.1/32 dev eth1");
    assert_uses("link eth1");
    run("ip link set eth1 down");
    assert_uses("");
}
END_TEST

START_TEST(an_address_of_version_six_alone_counts)
{
    run("ip -6 address add 2001:db8::1/64 dev eth1 nodad");
    assert_uses("link eth1");
}
END_TEST

START_TEST(a_route_in_whichever_table_counts)
{
    run("ip route add 198.51.100.0/24 dev eth1 table 100");
    assert_uses("link eth1");
    run("ip route flush table 100");
    assert_uses("");
    run("ip -6 route add 2001:db8:7::/64 dev eth1 table 4242");
    assert_uses("link eth1");
}
END_TEST

START_TEST(a_default_route_of_whichever_table_is_a_need_of_the_host)
{
    run("ip route add default dev eth1");
    assert_uses("host default route over eth1");
    run("ip route flush dev eth1");
    run("ip route add default dev eth1 table 100");
    assert_uses("host default route over eth1 in table 100");
    run("ip -6 route add default dev eth1");
    assert_uses("host default route over eth1");
}
END_TEST

START_TEST(each_way_of_a_route_with_several_counts)
{
    run("ip route add default nexthop dev eth2 nexthop dev eth1");
    assert_uses("host default route over eth1");
}
END_TEST

START_TEST(a_route_by_a_nexthop_object_counts_where_routes_do_not_name_its_link)
{
    run("ip nexthop add id 7 dev eth1 && ip route add 198.51.100.0/24 nhid 7");
    run("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode");
    assert_uses("link eth1");
}
END_TEST

START_TEST(a_bridge_with_the_hosts_address_uses_its_ports)
{
    run("ip link add br0 type bridge && ip link set eth1 master br0");
    assert_uses("");
    run("ip link set br0 up");
    assert_uses("link br0 on eth1");
    run("ip address add 192.0.2.1/24 dev br0");
    assert_uses("link br0 on eth1");
    run("ip route add default via 192.0.2.254");
    assert_uses("host default route over br0 (eth1)");
}
END_TEST

START_TEST(what_is_built_upon_a_link_uses_it_when_it_has_an_address)
{
    run("ip link add link eth1 name lan type macvlan && ip link set lan up");
    assert_uses("");
    run("ip address add 192.0.2.1/24 dev lan");
    assert_uses("link lan on eth1");
    run("ip link set lan down");
    assert_uses("");
}
END_TEST

START_TEST(a_stack_is_followed_to_its_top)
{
    run("ip link add br0 type bridge && ip link set br0 up && ip link set eth1 master br0");
    run("ip link add link br0 name lan type macvlan && ip link set lan up");
    run("ip address add 192.0.2.1/24 dev lan");
    assert_uses("link lan on eth1");
}
END_TEST

/* Its address is the guest's. */
START_TEST(a_guests_own_link_uses_the_card_without_an_address)
{
    run("ip link add link eth1 name tap0 type macvtap");
    assert_uses("");
    run("ip link set tap0 up");
    assert_uses("link tap0 on eth1");
}
END_TEST

/* No attribute of netlink that all links have names the link below a VXLAN device. */
START_TEST(what_only_sysfs_shows_as_built_upon_a_link_uses_it)
{
    run("ip link add vxlan7 type veth peer name far3 && ip link set vxlan7 up && ip link set far3 up");
    run("ip address add 192.0.2.1/24 dev vxlan7");
    assert_uses("");
    put_link("sys/devices/pci0000:00/" CARD "/net/eth1/upper_vxlan7", "../../../../virtual/net/vxlan7");
    put_link("sys/devices/pci0000:00/" CARD "/net/eth1/upper_gone", "../../../../virtual/net/gone");
    assert_uses("link vxlan7 on eth1");
}
END_TEST

START_TEST(a_session_over_ethernet_uses_the_link)
{
    put("proc/net/pppoe", "Id       Address              Device\n00000100 02:00:00:00:00:01     eth2\n");
    assert_uses("");
    put("proc/net/pppoe", "Id       Address              Device\n00000100 02:00:00:00:00:01     eth1\n");
    assert_uses("link PPPoE on eth1");
}
END_TEST

/* Sysfs was read a moment later. */
START_TEST(a_link_that_has_the_name_of_the_cards_meanwhile_is_not_taken_for_it)
{
    run("ip address add 192.0.2.1/24 dev eth1");
    put("sys/devices/pci0000:00/" CARD "/net/eth1/ifindex", "4242");
    assert_uses("");
}
END_TEST

/* Containers. */

/* A process in a network namespace of its own, as a container's; it ends with the test. */
static pid_t a_container(void)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void run_with(const char *format, pid_t pid)
{
    g_autofree char *number = g_strdup_printf("%d", pid);
    g_auto(GStrv) parts = g_strsplit(format, "PID", -1);
    g_autofree char *command = g_strjoinv(number, parts);
    run(command);
}

/* Made in the container at once, as by systemd-nspawn: no link is ever moved. */
START_TEST(a_containers_link_that_is_built_upon_the_card_uses_it)
{
    pid_t pid = a_container();
    run_with("ip link add link eth1 name mv0 netns PID type macvlan", pid);
    assert_uses("");
    run_with("nsenter -t PID -n ip link set mv0 up", pid);
    assert_uses("link mv0 on eth1");
    end(pid);
}
END_TEST

START_TEST(a_link_that_was_moved_into_a_container_uses_the_card)
{
    pid_t pid = a_container();
    run("ip link add link eth1 name mv0 type macvlan");
    run_with("ip link set mv0 netns PID name other && nsenter -t PID -n ip link set other up", pid);
    assert_uses("link other on eth1");
    end(pid);
}
END_TEST

START_TEST(who_lives_in_the_containers_network_is_named)
{
    pid_t pid = a_container();
    run_with("ip link add link eth1 name mv0 netns PID type macvlan && nsenter -t PID -n ip link set mv0 up",
             pid);
    g_autofree char *sys = g_build_filename(tree, "sys", NULL);
    _cleanup_close_ int sys_fd = open(sys, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    HolderPlace place = {.sys_fd = sys_fd, .proc_fd = proc_fd, .dev_fd = -1};
    g_autoptr(GPtrArray) holders = holders_new();
    ck_assert_int_eq(holder_links_add(&place, (char *[]){(char *)CARD, NULL}, holders), 0);
    ck_assert_uint_eq(holders->len, 1);
    const Holder *holder = g_ptr_array_index(holders, 0);
    ck_assert_int_eq(holder->pid, pid);
    ck_assert_str_eq(holder->command, "test-holder-lin");
    end(pid);
}
END_TEST

START_TEST(a_stack_that_goes_back_and_forth_between_links_ends)
{
    run("ip link add link eth1 name lan type macvlan && ip link set lan up");
    put_link("sys/class/net/lan/upper_eth1", "../eth1");
    assert_uses("");
}
END_TEST

SUITE_WITH("holder-links", a_network_with_two_cards, a_network_ends,
           a_link_that_is_up_and_no_more_is_not_used, a_link_with_an_address_is_used_until_it_is_down,
           an_address_of_version_six_alone_counts, a_route_in_whichever_table_counts,
           a_default_route_of_whichever_table_is_a_need_of_the_host, each_way_of_a_route_with_several_counts,
           a_route_by_a_nexthop_object_counts_where_routes_do_not_name_its_link,
           a_bridge_with_the_hosts_address_uses_its_ports,
           what_is_built_upon_a_link_uses_it_when_it_has_an_address, a_stack_is_followed_to_its_top,
           a_guests_own_link_uses_the_card_without_an_address,
           what_only_sysfs_shows_as_built_upon_a_link_uses_it, a_session_over_ethernet_uses_the_link,
           a_link_that_has_the_name_of_the_cards_meanwhile_is_not_taken_for_it,
           a_containers_link_that_is_built_upon_the_card_uses_it,
           a_link_that_was_moved_into_a_container_uses_the_card, who_lives_in_the_containers_network_is_named,
           a_stack_that_goes_back_and_forth_between_links_ends)
