/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/edge/scan/vfio-scan.h"
#include "../suite.h"
#include "scanned.h"

START_TEST(what_vfio_calls_a_device_is_seen_whatever_its_driver_is_called)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autofree char *folder =
        g_build_filename(fake_host_path(fake), "sys/bus/pci/devices/0000:01:00.1/vfio-dev/vfio7", NULL);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_str_eq(device_of(host, "0000:01:00.1")->vfio, "vfio7");
    ck_assert(!device_of(host, "0000:01:00.1")->stuck);
    ck_assert_ptr_null(device_of(host, "0000:01:00.0")->vfio);
}
END_TEST

static Host *scan_with(const FakeHost *fake, VfioModules *modules)
{
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake),
                       .proc_fd = fake_host_proc_fd(fake),
                       .dev_fd = fake_host_dev_fd(fake),
                       .modules = modules};
    Host *host = NULL;

    ck_assert_int_eq(host_scan(&place, NULL, &host), 0);
    return host;
}

START_TEST(the_kernels_own_list_of_variants_is_read_again_when_it_changes)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    VfioModules *modules = vfio_modules_new((const char *[]){"/nowhere", fake_host_path(fake), NULL});
    g_autofree char *path = g_build_filename(fake_host_path(fake), "modules.alias", NULL);

    g_autoptr(Host) none = scan_with(fake, modules);
    ck_assert_uint_eq(none->vfio_aliases->len, 0);
    ck_assert(g_file_set_contents(path, "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n", -1, NULL));
    g_autoptr(Host) one = scan_with(fake, modules), again = scan_with(fake, modules);
    ck_assert_uint_eq(one->vfio_aliases->len, 1);
    ck_assert_ptr_eq(one->vfio_aliases, again->vfio_aliases);
    ck_assert(
        g_file_set_contents(path, "alias vfio_pci:v1 a_vfio_pci\nalias vfio_pci:v2 b_vfio_pci\n", -1, NULL));
    g_autoptr(Host) two = scan_with(fake, modules);
    ck_assert_uint_eq(two->vfio_aliases->len, 2);
    /* A snapshot keeps what it has seen. */
    ck_assert_uint_eq(one->vfio_aliases->len, 1);
    ck_assert(g_ptr_array_find_with_equal_func(two->drivers, "vfio-pci", g_str_equal, NULL));
    vfio_modules_free(modules);
}
END_TEST

/* Somebody's touch(1), say: QEMU could do nothing with it. */
START_TEST(a_file_in_the_place_of_the_iommu_is_none)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autofree char *devices = g_build_filename(fake_host_path(fake), "proc/devices", NULL),
                    *iommu = g_build_filename(fake_host_path(fake), "dev/iommu", NULL);

    ck_assert(g_file_set_contents(devices, "Character devices:\n240 vfio-dev\n", -1, NULL));
    ck_assert(g_file_set_contents(iommu, "", 0, NULL));
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_str_eq(host->iommufd.lack,
                     "this kernel has no /dev/iommu (CONFIG_IOMMUFD), or vfio is not loaded");
}
END_TEST

SUITE("vfio-scan", what_vfio_calls_a_device_is_seen_whatever_its_driver_is_called,
      the_kernels_own_list_of_variants_is_read_again_when_it_changes,
      a_file_in_the_place_of_the_iommu_is_none)
