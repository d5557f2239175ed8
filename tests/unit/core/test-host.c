/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/host/host.h"
#include "../suite.h"

static PciAddress at(const char *text)
{
    PciAddress address;
    ck_assert_int_eq(pci_address_from_string(text, &address), 0);
    return address;
}

static HostDevice *add(Host *host, const char *address, int group, const char *driver)
{
    HostDevice *device = host_add(host, at(address));
    device->group = group;
    device->driver = g_strdup(driver);
    return device;
}

/* Added out of order, as readdir(3) would. */
static Host *small_host(void)
{
    Host *host = host_new();
    add(host, "0000:02:00.0", 14, NULL);
    add(host, "0000:01:00.1", 12, "snd_hda_intel");
    add(host, "0000:00:01.0", 12, "pcieport")->bridge = true;
    add(host, "0001:01:00.0", 15, "nvme");
    add(host, "0000:01:00.0", 12, "radeon");
    add(host, "0000:00:00.0", HOST_NO_GROUP, NULL);
    host_sort(host);
    return host;
}

START_TEST(a_new_device_has_neither_group_nor_node)
{
    g_autoptr(Host) host = host_new();
    const HostDevice *device = host_add(host, at("0000:01:00.0"));
    ck_assert_int_eq(device->group, HOST_NO_GROUP);
    ck_assert_int_eq(device->numa_node, -1);
    ck_assert_ptr_null(device->driver);
    ck_assert(!device->stuck);
}
END_TEST

START_TEST(every_device_is_found_by_its_address)
{
    g_autoptr(Host) host = small_host();
    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        ck_assert_ptr_eq(host_find(host, device->address), device);
    }
}
END_TEST

START_TEST(an_address_that_is_not_there_is_not_found)
{
    g_autoptr(Host) host = small_host();
    ck_assert_ptr_null(host_find(host, at("0000:01:00.2")));
    ck_assert_ptr_null(host_find(host, at("ffff:ff:1f.7")));
    ck_assert_ptr_null(host_find(host, at("0000:00:00.1")));

    g_autoptr(Host) empty = host_new();
    ck_assert_ptr_null(host_find(empty, at("0000:00:00.0")));
}
END_TEST

START_TEST(sorting_puts_devices_in_the_order_of_their_addresses)
{
    g_autoptr(Host) host = small_host();
    for (unsigned i = 1; i < host->devices->len; i++) {
        const HostDevice *a = g_ptr_array_index(host->devices, i - 1),
                         *b = g_ptr_array_index(host->devices, i);
        ck_assert_int_lt(pci_address_compare(a->address, b->address), 0);
    }
}
END_TEST

START_TEST(a_group_has_its_bridge_and_its_endpoints_in_order)
{
    g_autoptr(Host) host = small_host();
    g_autoptr(GPtrArray) group = host_group(host, 12);
    g_autofree char *text = host_describe(group);
    ck_assert_str_eq(text, "0000:00:01.0 (pcieport), 0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
}
END_TEST

START_TEST(no_group_has_no_members)
{
    g_autoptr(Host) host = small_host();
    g_autoptr(GPtrArray) none = host_group(host, HOST_NO_GROUP);
    ck_assert_uint_eq(none->len, 0);
    g_autoptr(GPtrArray) unknown = host_group(host, 99);
    ck_assert_uint_eq(unknown->len, 0);
}
END_TEST

static void assert_slot(const Host *host, const char *address, const char *expected)
{
    g_autoptr(GPtrArray) slot = host_slot(host, at(address));
    g_autofree char *text = host_describe(slot);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_slot_has_its_functions_and_no_others)
{
    g_autoptr(Host) host = small_host();
    assert_slot(host, "0000:01:00.1", "0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");

    g_autoptr(GPtrArray) empty = host_slot(host, at("0000:03:00.0"));
    ck_assert_uint_eq(empty->len, 0);
}
END_TEST

START_TEST(a_device_without_a_driver_is_described_so)
{
    g_autoptr(Host) host = small_host();
    assert_slot(host, "0000:02:00.0", "0000:02:00.0 (no driver)");

    g_autoptr(GPtrArray) nobody = g_ptr_array_new();
    g_autofree char *nothing = host_describe(nobody);
    ck_assert_str_eq(nothing, "");
}
END_TEST

START_TEST(four_thousand_devices_are_each_found)
{
    g_autoptr(Host) host = host_new();
    for (unsigned i = 4096; i-- > 0;)
        host_add(host, (PciAddress){.bus = i >> 8, .device = i >> 3 & 31, .function = i & 7})->group = i;
    host_sort(host);
    for (unsigned i = 0; i < 4096; i++) {
        const HostDevice *device =
            host_find(host, (PciAddress){.bus = i >> 8, .device = i >> 3 & 31, .function = i & 7});
        ck_assert_ptr_nonnull(device);
        ck_assert_int_eq(device->group, (int)i);
    }
    ck_assert_ptr_null(host_find(host, (PciAddress){.bus = 16}));
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
    ck_assert_ptr_null(host_free(NULL));
}
END_TEST

SUITE("host", a_new_device_has_neither_group_nor_node, every_device_is_found_by_its_address,
      an_address_that_is_not_there_is_not_found, sorting_puts_devices_in_the_order_of_their_addresses,
      a_group_has_its_bridge_and_its_endpoints_in_order, no_group_has_no_members,
      a_slot_has_its_functions_and_no_others, a_device_without_a_driver_is_described_so,
      four_thousand_devices_are_each_found, freeing_nothing_is_fine)
