/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/host/vfio-driver.h"
#include "../suite.h"
#include "a-host.h"

/* As depmod of kmod 30 writes them, of a kernel with all variants that there are. */
#define ALIASES                                                                                              \
    "# Aliases extracted from modules themselves.\n"                                                         \
    "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"                                                 \
    "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"                                                           \
    "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"                                        \
    "alias vfio_pci:v000010DEd00002342sv*sd*bc*sc*i* nvgrace_gpu_vfio_pci\n"                                 \
    "alias vfio_pci:v00008086d*sv*sd*bc03sc*i* any_intel_vfio_pci\n"                                         \
    "alias vfio_pci:v00008086d0000E20Bsv*sd*bc03sc*i* xe_vfio_pci\n"                                         \
    "alias fs-ext4 ext4\n"

static Host *a_host_with_variants(void)
{
    Host *host = a_host();

    g_ptr_array_unref(host->vfio_aliases);
    host->vfio_aliases = vfio_aliases_parse(ALIASES);
    return host;
}

static const char *best(Host *host, uint16_t vendor, uint16_t device, uint32_t class)
{
    HostDevice *card = a_device(host, "0000:02:00.0", 14, NULL);

    card->vendor = vendor;
    card->device = device;
    card->class = class;
    return vfio_driver_best(host, card);
}

START_TEST(a_device_with_an_alias_of_its_own_gets_the_variant)
{
    g_autoptr(Host) host = a_host_with_variants();

    ck_assert_str_eq(best(host, 0x15b3, 0x101e, 0x020000), "mlx5_vfio_pci");
}
END_TEST

START_TEST(a_device_without_one_gets_vfio_pci)
{
    g_autoptr(Host) host = a_host_with_variants();

    ck_assert_str_eq(best(host, 0x1002, 0x67df, 0x030000), "vfio-pci");
}
END_TEST

START_TEST(without_any_alias_all_get_vfio_pci)
{
    g_autoptr(Host) host = a_host();

    ck_assert_str_eq(best(host, 0x15b3, 0x101e, 0x020000), "vfio-pci");
}
END_TEST

START_TEST(the_alias_with_the_fewest_wildcards_counts)
{
    g_autoptr(Host) host = a_host_with_variants();

    ck_assert_str_eq(best(host, 0x8086, 0xe20b, 0x030000), "xe_vfio_pci");
}
END_TEST

START_TEST(an_alias_of_another_class_does_not_count)
{
    g_autoptr(Host) host = a_host_with_variants();

    ck_assert_str_eq(best(host, 0x8086, 0xe20b, 0x020000), "vfio-pci");
}
END_TEST

START_TEST(a_driver_that_is_loaded_is_named_as_it_is_registered)
{
    g_autoptr(Host) host = a_host_with_variants();

    g_ptr_array_add(host->drivers, g_strdup("xe-vfio-pci"));
    ck_assert_str_eq(best(host, 0x8086, 0xe20b, 0x030000), "xe-vfio-pci");
}
END_TEST

START_TEST(names_are_the_same_but_for_dashes)
{
    ck_assert(vfio_driver_same("xe_vfio_pci", "xe-vfio-pci"));
    ck_assert(vfio_driver_same("", ""));
    ck_assert(!vfio_driver_same("xe_vfio_pci", "xe_vfio_pc"));
    ck_assert(!vfio_driver_same("xe_vfio_pci", "xe_vfio_pcie"));
    ck_assert(!vfio_driver_same("xe_vfio_pci", "xe.vfio.pci"));
    ck_assert(!vfio_driver_same(NULL, ""));
    ck_assert(vfio_driver_same(NULL, NULL));
}
END_TEST

START_TEST(a_device_is_lent_by_what_vfio_has_whatever_the_driver_is_called)
{
    g_autoptr(Host) host = a_host();
    HostDevice *device = a_device(host, "0000:02:00.0", 14, "nvidia");

    ck_assert(!vfio_driver_has(device));
    device->vfio = g_strdup("vfio3");
    ck_assert(vfio_driver_has(device));
    g_clear_pointer(&device->driver, g_free);
    ck_assert(!vfio_driver_has(device));
}
END_TEST

START_TEST(a_name_that_leads_elsewhere_is_no_driver)
{
    static const char *const bad[] = {"", "..", "../vfio-pci", "a/b", "-vfio", "vfio pci", "vfio.pci", NULL};
    g_autofree char *longest = g_strnfill(VFIO_DRIVER_MAX, 'v'), *longer = g_strnfill(VFIO_DRIVER_MAX + 1, 'v');

    for (const char *const *name = bad; *name; name++)
        ck_assert_msg(!vfio_driver_valid(*name), "%s", *name);
    ck_assert(vfio_driver_valid("vfio-pci"));
    ck_assert(vfio_driver_valid(longest));
    ck_assert(!vfio_driver_valid(longer));
}
END_TEST

START_TEST(lines_that_say_nothing_are_passed_over)
{
    g_autoptr(GPtrArray) aliases = vfio_aliases_parse("alias vfio_pci:\nalias vfio_pci:v* \nalias\n\nalias vfio_pci:v*d* a_vfio_pci");

    ck_assert_uint_eq(aliases->len, 1);
    ck_assert_str_eq(((VfioAlias *)g_ptr_array_index(aliases, 0))->module, "a_vfio_pci");
}
END_TEST

START_TEST(those_that_the_host_knows_are_listed_once)
{
    g_autoptr(Host) host = a_host_with_variants();

    g_ptr_array_add(host->drivers, g_strdup("xe-vfio-pci"));
    g_ptr_array_add(host->drivers, g_strdup("vfio-pci"));
    g_ptr_array_add(host->drivers, g_strdup("radeon"));
    g_autofree char *list = vfio_driver_list(host);
    ck_assert_str_eq(list, "any_intel_vfio_pci, mlx5_vfio_pci, nvgrace_gpu_vfio_pci, vfio-pci, xe_vfio_pci");
    ck_assert(vfio_driver_known(host, "mlx5-vfio-pci"));
    ck_assert(!vfio_driver_known(host, "hisi_acc_vfio_pci"));
}
END_TEST

SUITE("vfio-driver", a_device_with_an_alias_of_its_own_gets_the_variant, a_device_without_one_gets_vfio_pci,
      without_any_alias_all_get_vfio_pci, the_alias_with_the_fewest_wildcards_counts,
      an_alias_of_another_class_does_not_count, a_driver_that_is_loaded_is_named_as_it_is_registered,
      names_are_the_same_but_for_dashes, a_device_is_lent_by_what_vfio_has_whatever_the_driver_is_called,
      a_name_that_leads_elsewhere_is_no_driver, lines_that_say_nothing_are_passed_over,
      those_that_the_host_knows_are_listed_once)
