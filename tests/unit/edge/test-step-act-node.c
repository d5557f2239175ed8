/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps upon nodes, memory and host CPUs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../suite.h"
#include "step-taken.h"

static mode_t mode_of(const FakeHost *host, const char *node)
{
    struct stat st;
    ck_assert_int_eq(fstatat(fake_host_dev_fd(host), node, &st, 0), 0);
    return st.st_mode & 07777;
}

START_TEST(a_node_is_handed_over_and_given_back)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), "64001:64002");
    assert_live(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), "0:0");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
}
END_TEST

START_TEST(a_node_that_others_could_open_is_closed_to_them)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    ck_assert_int_eq(fchmodat(fake_host_dev_fd(host), "vfio/12", 0666, 0), 0);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), "64001:64002");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
    ck_assert_int_eq(fchmodat(fake_host_dev_fd(host), "vfio/12", 0666, 0), 0);
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), "0:0");
    ck_assert_uint_eq(mode_of(host, "vfio/12"), 0600);
}
END_TEST

START_TEST(a_node_that_has_gone_is_given_back_but_cannot_be_handed_over)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    assert_done(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "64001:64002", "0:0"), NULL);
    assert_drift(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", "64001:64002"), NULL);
}
END_TEST

START_TEST(an_owner_is_two_numbers)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    fake_host_set_driver(host, GPU, "vfio-pci");
    static const char *const owners[] = {
        STEP_VALUE_GUEST, "",          "64001",        "64001:",       ":64001",      "64001:64002:64003",
        "-1:-1",          "root:root", "4294967295:0", "0:4294967295", "64001: 64002"};
    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++)
        assert_failed(act(host, STEP_NODE_OWNER, "/dev/vfio/12", "0:0", owners[i]), -EINVAL, "0:0");
}
END_TEST

START_TEST(a_link_in_the_place_of_a_node_is_not_followed)
{
    g_autoptr(FakeHost) host = fake_host_new_with_gpu();
    ck_assert_int_eq(symlinkat("vfio", fake_host_dev_fd(host), "vfio/13"), 0);
    assert_failed(act(host, STEP_NODE_OWNER, "/dev/vfio/13", "0:0", "64001:64002"), -ELOOP, NULL);
    struct stat st;
    ck_assert_int_eq(fstatat(fake_host_dev_fd(host), "vfio/vfio", &st, 0), 0);
    ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

START_TEST(huge_pages_are_made_on_a_node)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_node(host, 0, 7, 20);
    assert_done(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "12"), "12");
    ck_assert_uint_eq(fake_host_huge_pages(host, 0), 12);
    assert_drift(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "13"), "12");
    assert_drift(act(host, STEP_HUGE_PAGES, "node0/2048kB", "7", "12"), "12");
    /* As many as there is memory for. */
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/2048kB", "12", "30"), -EIO, "20");
    assert_failed(act(host, STEP_HUGE_PAGES, "node1/2048kB", "0", "30"), -ENOENT, NULL);
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/../x", "0", "30"), -EINVAL, NULL);
    assert_failed(act(host, STEP_HUGE_PAGES, "node0/2048kB/x", "0", "30"), -EINVAL, NULL);
}
END_TEST

START_TEST(a_governor_is_chosen_for_one_host_cpu)
{
    g_autoptr(FakeHost) host = fake_host_new();
    fake_host_add_cpus(host, 4, "schedutil");
    assert_done(act(host, STEP_GOVERNOR, "cpu2", "schedutil", "performance"), "performance");
    assert_done(act(host, STEP_GOVERNOR, "cpu2", "schedutil", "performance"), "performance");
    assert_drift(act(host, STEP_GOVERNOR, "cpu2", "powersave", "schedutil"), "performance");
    assert_failed(act(host, STEP_GOVERNOR, "cpu1", "schedutil", "turbo"), -EINVAL, "schedutil");
    assert_failed(act(host, STEP_GOVERNOR, "cpu1/../cpu2", "performance", "schedutil"), -EINVAL, NULL);
    assert_failed(act(host, STEP_GOVERNOR, "cpu01", "performance", "schedutil"), -EINVAL, NULL);
    /* What set the governor has gone, or the host CPU was switched off meanwhile. */
    assert_drift(act(host, STEP_GOVERNOR, "cpu9", "performance", "schedutil"), NULL);
    fake_host_switch_off_cpu(host, 2);
    assert_drift(act(host, STEP_GOVERNOR, "cpu2", "performance", "schedutil"), NULL);
}
END_TEST

START_TEST(shared_memory_is_made_and_removed_and_never_taken_over)
{
    g_autoptr(FakeHost) host = fake_host_new();
    g_autofree char *folder = g_strconcat(fake_host_path(host), "/dev/shm", NULL),
                    *own = g_strconcat(folder, "/usher", NULL),
                    *path = g_strconcat(own, "/looking-glass-win10", NULL);
    const char *subject = "/dev/shm/usher/looking-glass-win10";
    struct stat st;

    ck_assert_int_eq(mkdir(folder, 0755), 0);
    assert_done(act(host, STEP_SHARED_MEMORY, subject, "", "1048576 nobody 64002"), "1048576 nobody 64002");
    ck_assert_int_eq(fstatat(AT_FDCWD, path, &st, 0), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0660);
    ck_assert_int_eq(st.st_size, 1 << 20);
    ck_assert_uint_eq(st.st_uid, 65534);
    ck_assert_uint_eq(st.st_gid, 64002);
    ck_assert_int_eq(stat(own, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"), "1048576 nobody 64002");
    assert_done(act(host, STEP_SHARED_MEMORY, subject, "1048576 nobody 64002", ""), "");
    ck_assert_int_eq(access(path, F_OK), -1);
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 nosuchuser 0"), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root"), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root " STEP_VALUE_GUEST), -EINVAL, "");
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/other", "", "4096 root 0"), -EINVAL, NULL);
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/looking-glass-win10", "", "4096 root 0"), -EINVAL,
                  NULL);
    assert_failed(act(host, STEP_SHARED_MEMORY, "/dev/shm/usher/looking-glass-../x", "", "4096 root 0"),
                  -EINVAL, NULL);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"), "no file");
}
END_TEST

/* In /dev/shm anybody may make it first. */
START_TEST(shared_memory_is_not_made_in_a_folder_of_somebody_elses)
{
    g_autoptr(FakeHost) host = fake_host_new();
    g_autofree char *folder = g_strconcat(fake_host_path(host), "/dev/shm", NULL),
                    *own = g_strconcat(folder, "/usher", NULL);
    const char *subject = "/dev/shm/usher/looking-glass-win10";

    ck_assert_int_eq(mkdir(folder, 0755), 0);
    ck_assert_int_eq(mkdir(own, 0755), 0);
    ck_assert_int_eq(chown(own, 65534, 65534), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"),
                 "in a folder of nobody (remove /dev/shm/usher)");
    ck_assert_int_eq(rmdir(own), 0);
    ck_assert_int_eq(symlink("/etc", own), 0);
    assert_drift(act(host, STEP_SHARED_MEMORY, subject, "", "4096 root 0"),
                 "in a folder of root (remove /dev/shm/usher)");
}
END_TEST

SUITE("step-act-node", a_node_is_handed_over_and_given_back, a_node_that_others_could_open_is_closed_to_them,
      a_node_that_has_gone_is_given_back_but_cannot_be_handed_over, an_owner_is_two_numbers,
      a_link_in_the_place_of_a_node_is_not_followed, huge_pages_are_made_on_a_node,
      a_governor_is_chosen_for_one_host_cpu, shared_memory_is_made_and_removed_and_never_taken_over,
      shared_memory_is_not_made_in_a_folder_of_somebody_elses)
