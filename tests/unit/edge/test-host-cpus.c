/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "../../../daemon/core/host/cpu-list.h"
#include "../../../daemon/edge/scan/host-cpus.h"
#include "../fake-host.h"
#include "../suite.h"

static Host *look(const FakeHost *fake)
{
    Host *host = host_new();

    host_cpus_note(fake_host_sys_fd(fake), host);
    return host;
}

static void assert_slice(const Host *host, unsigned i, const char *unit, const char *kept_off)
{
    const HostSlice *slice = g_ptr_array_index(host->slices, i);
    g_autofree char *text = cpu_set_to_text(slice->kept_off);

    ck_assert_str_eq(slice->unit, unit);
    ck_assert_str_eq(text, kept_off);
}

START_TEST(host_cpus_and_slices_are_seen)
{
    g_autoptr(FakeHost) fake = fake_host_new();

    fake_host_add_cpus(fake, 4, "schedutil");
    fake_host_allow_cpus(fake, "user.slice", "0,2-3");
    g_autoptr(Host) host = look(fake);
    ck_assert_uint_eq(host->cpus->len, 4);
    ck_assert_str_eq(((HostCpu *)g_ptr_array_index(host->cpus, 3))->governor, "schedutil");
    ck_assert_str_eq(host->governors, "performance schedutil");
    ck_assert(host->cpusets && !host->guests_cpusets);
    fake_host_allow_cpus(fake, "usher.slice", "0-3");
    g_autoptr(Host) then = look(fake);
    ck_assert(then->guests_cpusets);
    /* There is no machine.slice. */
    ck_assert_uint_eq(host->slices->len, 2);
    assert_slice(host, 0, "system.slice", "");
    assert_slice(host, 1, "user.slice", "1");
}
END_TEST

START_TEST(where_there_is_no_such_thing_nothing_is_seen)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(Host) bare = look(fake);

    ck_assert(!bare->cpusets);
    ck_assert_uint_eq(bare->slices->len, 0);
    fake_host_add_cpus(fake, 2, NULL);
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "fs/cgroup/cgroup.controllers", 0), 0);
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "fs/cgroup/user.slice/cpuset.cpus", 0), 0);
    g_autoptr(Host) old = look(fake);
    ck_assert(!old->cpusets);
    ck_assert_ptr_null(((HostCpu *)g_ptr_array_index(old->cpus, 1))->governor);
    assert_slice(old, 1, "user.slice", "");
}
END_TEST

START_TEST(what_is_allowed_is_all_that_is_not_kept_off)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(GArray) some = NULL, all = NULL, none = NULL;
    int fd = fake_host_sys_fd(fake);

    fake_host_add_cpus(fake, 4, NULL);
    ck_assert_int_eq(host_cpus_allowed(fd, "1-2", &some), 0);
    ck_assert_int_eq(host_cpus_allowed(fd, "", &all), 0);
    ck_assert_int_eq(host_cpus_kept_off(fd, "0-3", &none), 0);
    g_autofree char *text = cpu_set_to_text(some);
    ck_assert_str_eq(text, "0,3");
    ck_assert_uint_eq(all->len, 4);
    ck_assert_uint_eq(none->len, 0);
    ck_assert_int_eq(host_cpus_kept_off(fd, "-", &none), -EBADMSG);
}
END_TEST

SUITE("host-cpus", host_cpus_and_slices_are_seen, where_there_is_no_such_thing_nothing_is_seen,
      what_is_allowed_is_all_that_is_not_kept_off)
