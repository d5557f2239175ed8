/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real kernel's forwarding, in a network of the test's own. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/base/file.h"
#include "../../../daemon/edge/hand/nat-forward.h"
#include "../scratch.h"
#include "../suite.h"

static char *folder;
static int proc_fd, run_fd;

/* Check forks: the namespace goes with the test. */
static void set_up(void)
{
    ck_assert_msg(unshare(CLONE_NEWNET) == 0, "this test needs root: %m");
    folder = scratch_new("forward");
    proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    run_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert(proc_fd >= 0 && run_fd >= 0);
    ck_assert_int_eq(system("ip link add d0 type bridge && ip link add d1 type bridge"), 0);
}

static void tear_down(void)
{
    close(proc_fd);
    close(run_fd);
    scratch_remove(folder);
    g_free(folder);
}

static void set(const char *name, const char *value)
{
    g_autofree char *path = g_strconcat("sys/net/ipv4/", name, NULL);

    ck_assert_int_eq(file_write_value_at(proc_fd, path, value), 0);
}

static void assert_is(const char *name, const char *value)
{
    g_autofree char *path = g_strconcat("sys/net/ipv4/", name, NULL), *live = NULL;

    ck_assert_int_eq(file_read_value_at(proc_fd, path, &live), 0);
    ck_assert_msg(g_str_equal(live, value), "%s is %s, not %s", name, live, value);
}

START_TEST(what_the_kernel_changes_along_with_forwarding_is_put_back)
{
    set("ip_forward", "0");
    set("conf/all/accept_redirects", "0");
    set("conf/d0/forwarding", "1");
    ck_assert_int_eq(nat_forward_start(proc_fd, run_fd), 0);
    assert_is("ip_forward", "1");
    assert_is("conf/d1/forwarding", "1");
    ck_assert_int_eq(nat_forward_stop(proc_fd, run_fd), 0);
    assert_is("ip_forward", "0");
    assert_is("conf/all/accept_redirects", "0");
    assert_is("conf/d0/forwarding", "1");
    assert_is("conf/d1/forwarding", "0");
    assert_is("conf/default/forwarding", "0");
}
END_TEST

START_TEST(a_link_that_has_gone_keeps_nothing_from_being_put_back)
{
    set("ip_forward", "0");
    set("conf/all/accept_redirects", "1");
    set("conf/d0/forwarding", "1");
    set("conf/d1/forwarding", "1");
    ck_assert_int_eq(nat_forward_start(proc_fd, run_fd), 0);
    ck_assert_int_eq(system("ip link delete d0"), 0);
    ck_assert_int_eq(nat_forward_stop(proc_fd, run_fd), 0);
    assert_is("ip_forward", "0");
    assert_is("conf/d1/forwarding", "1");
    assert_is("conf/all/accept_redirects", "1");
}
END_TEST

START_TEST(a_host_that_forwards_already_goes_on)
{
    set("ip_forward", "1");
    ck_assert_int_eq(nat_forward_start(proc_fd, run_fd), 0);
    ck_assert_int_eq(nat_forward_stop(proc_fd, run_fd), 0);
    assert_is("ip_forward", "1");
}
END_TEST

SUITE_WITH("nat-forward", set_up, tear_down, what_the_kernel_changes_along_with_forwarding_is_put_back,
           a_link_that_has_gone_keeps_nothing_from_being_put_back, a_host_that_forwards_already_goes_on)
