/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/file.h"
#include "../../../daemon/core/host/huge-pages.h"
#include "../../../daemon/core/host/nat-range.h"
#include "../../../daemon/edge/scan/mediated-scan.h"
#include "../suite.h"
#include "scanned.h"

START_TEST(a_gpu_is_seen_with_all_that_sysfs_says_of_it)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    g_autoptr(Host) host = scan(fake, NULL);
    const HostDevice *gpu = device_of(host, "0000:01:00.0");

    ck_assert_uint_eq(gpu->vendor, 0x1002);
    ck_assert_uint_eq(gpu->device, 0x5046);
    ck_assert_uint_eq(gpu->subvendor, 0x1af4);
    ck_assert_uint_eq(gpu->subdevice, 0x1100);
    ck_assert_uint_eq(gpu->class, 0x030000);
    ck_assert(!gpu->bridge);
    ck_assert_str_eq(gpu->driver, "radeon");
    ck_assert_ptr_null(gpu->override);
    ck_assert_int_eq(gpu->group, 12);
    ck_assert(gpu->has_upstream);
    ck_assert_str_eq(PCI_ADDRESS_STR(gpu->upstream), "0000:00:01.0");
    ck_assert(!gpu->virtual_function);
    ck_assert_str_eq(gpu->reset_methods, "pm bus");
    ck_assert_str_eq(gpu->power.state, "D0");
    ck_assert_str_eq(gpu->power.control, "on");
    ck_assert_str_eq(gpu->power.d3cold_allowed, "1");
    ck_assert_int_eq(gpu->numa_node, -1);
    ck_assert_ptr_null(gpu->needed_for);
    ck_assert(!gpu->stuck);
}
END_TEST

START_TEST(a_bridge_is_known_by_its_class_or_the_bus_below_it)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:00:02.0", .group = 1, .class = 0x060700});
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:00:03.0", .group = 2, .class = 0x060901});
    /* An odd bridge: it has the class of a host bridge, yet there is a bus behind it. */
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:00:04.0", .group = 3, .class = 0x060000});
    ck_assert_int_eq(mkdirat(fake_host_sys_fd(fake), "bus/pci/devices/0000:00:04.0/pci_bus", 0755), 0);
    /* Not bridges in this sense: an ISA bridge and a host bridge. */
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:00:05.0", .group = 4, .class = 0x060100});
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:00:00.0", .group = 5, .class = 0x060000});

    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(device_of(host, "0000:00:01.0")->bridge);
    ck_assert(device_of(host, "0000:00:02.0")->bridge);
    ck_assert(device_of(host, "0000:00:03.0")->bridge);
    ck_assert(device_of(host, "0000:00:04.0")->bridge);
    ck_assert(!device_of(host, "0000:00:05.0")->bridge);
    ck_assert(!device_of(host, "0000:00:00.0")->bridge);
    ck_assert(!device_of(host, "0000:00:01.0")->has_upstream);
}
END_TEST

START_TEST(drivers_and_overrides_are_seen_as_they_are)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_set_driver(fake, "0000:01:00.0", "vfio-pci");
    fake_host_set_override(fake, "0000:01:00.0", "vfio-pci");
    fake_host_set_driver(fake, "0000:01:00.1", NULL);
    fake_host_set_override(fake, "0000:01:00.1", "");
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_str_eq(device_of(host, "0000:01:00.0")->driver, "vfio-pci");
    ck_assert_str_eq(device_of(host, "0000:01:00.0")->override, "vfio-pci");
    ck_assert_ptr_null(device_of(host, "0000:01:00.1")->driver);
    ck_assert_ptr_null(device_of(host, "0000:01:00.1")->override);
}
END_TEST

START_TEST(a_virtual_function_names_its_physical_one)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:03:00.0", .group = 20, .class = 0x010802});
    fake_host_add_function(fake, &(FakeFunction){
                                     .address = "0000:03:00.1",
                                     .group = 21,
                                     .class = 0x010802,
                                     .physical = "0000:03:00.0",
                                 });
    g_autoptr(Host) host = scan(fake, NULL);
    const HostDevice *virtual = device_of(host, "0000:03:00.1");
    ck_assert(virtual->virtual_function);
    ck_assert_str_eq(PCI_ADDRESS_STR(virtual->physical), "0000:03:00.0");
    ck_assert(!device_of(host, "0000:03:00.0")->virtual_function);
}
END_TEST

START_TEST(a_card_says_how_many_virtual_functions_it_could_have_and_where)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_network_card(fake, "0000:02:00.0", NULL, 20, "eth0");
    fake_host_add_network_card(fake, "0000:03:00.0", NULL, 30, "eth1");
    fake_host_add_sriov(fake, "0000:02:00.0", 4, 21, "igbvf");
    g_autoptr(Host) host = scan(fake, NULL);
    const HostDevice *card = device_of(host, "0000:02:00.0");
    ck_assert_uint_eq(card->sriov.total, 4);
    ck_assert_uint_eq(card->sriov.offset, 2);
    ck_assert_uint_eq(card->sriov.stride, 2);
    ck_assert_uint_eq(card->sriov.device, 0x10ed);
    ck_assert_str_eq(card->sriov.autoprobe, "1");
    ck_assert_uint_eq(device_of(host, "0000:03:00.0")->sriov.total, 0);
}
END_TEST

START_TEST(a_mediated_device_is_seen_with_what_it_was_made_of)
{
    static const char uuid[] = "4b20d080-1b54-4048-85b3-a6a62d165c01";
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_add_mediated(fake, uuid, "0000:01:00.0", "nvidia-63", 40);
    g_autoptr(Host) host = scan(fake, NULL);
    const HostMediated *mediated = host_find_mediated(host, uuid);
    ck_assert_ptr_nonnull(mediated);
    ck_assert_str_eq(mediated->type, "nvidia-63");
    ck_assert_str_eq(mediated->api, "vfio-pci");
    ck_assert(mediated->of_function);
    ck_assert_str_eq(PCI_ADDRESS_STR(mediated->parent), "0000:01:00.0");
    ck_assert_int_eq(mediated->group, 40);
    ck_assert_ptr_eq(host_mediated_of(host, 40), mediated);
    ck_assert_ptr_null(host_mediated_of(host, 12));
    ck_assert_ptr_null(host_find_mediated(host, "4b20d080-1b54-4048-85b3-a6a62d165c02"));
    ck_assert_uint_eq(host->mediated->len, 1);
}
END_TEST

START_TEST(what_mediated_devices_can_be_made_of_a_device_is_seen_by_who_asks)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake), .proc_fd = fake_host_proc_fd(fake)};
    fake_host_add_mediated_type(fake, "0000:01:00.0", "nvidia-63", "GRID M60-2Q", 4, 40);
    fake_host_add_mediated_type(fake, "0000:01:00.0", "nvidia-64", "GRID M60-4Q", 0, 40);
    g_autoptr(Host) host = scan(fake, NULL);
    g_autoptr(Host) again = scan(fake, NULL);
    PciAddress gpu = device_of(host, "0000:01:00.0")->address,
               audio = device_of(host, "0000:01:00.1")->address;
    ck_assert_uint_eq(host->mediated_types->len, 0);
    mediated_scan_types(&place, gpu, true, host);
    mediated_scan_types(&place, audio, true, host);
    ck_assert_uint_eq(host->mediated_types->len, 2);
    const HostMediatedType *type = host_find_mediated_type(host, gpu, "nvidia-63");
    ck_assert_ptr_nonnull(type);
    ck_assert_str_eq(type->words, "GRID M60-2Q");
    ck_assert_str_eq(type->api, "vfio-pci");
    ck_assert_int_eq(type->available, 4);
    ck_assert_int_eq(host_find_mediated_type(host, gpu, "nvidia-64")->available, 0);
    ck_assert_ptr_null(host_find_mediated_type(host, audio, "nvidia-63"));
    /* The driver may keep a reader of the number waiting. */
    mediated_scan_types(&place, gpu, false, again);
    ck_assert_int_eq(host_find_mediated_type(again, gpu, "nvidia-63")->available, -1);
}
END_TEST

START_TEST(the_display_of_the_firmware_is_marked)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    fake_host_add_function(
        fake, &(FakeFunction){.address = "0000:00:02.0", .group = 1, .class = 0x030000, .boot_vga = true});
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(device_of(host, "0000:00:02.0")->boot_vga);
    ck_assert(!device_of(host, "0000:01:00.0")->boot_vga);
}
END_TEST

START_TEST(attributes_that_are_missing_are_unknown)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_function(fake, &(FakeFunction){
                                     .address = "0000:02:00.0",
                                     .group = FAKE_NO_GROUP,
                                     .no_d3cold = true,
                                     .reset_methods = "",
                                 });
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "bus/pci/devices/0000:02:00.0/power/control", 0), 0);
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "bus/pci/devices/0000:02:00.0/power_state", 0), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    const HostDevice *device = device_of(host, "0000:02:00.0");
    ck_assert_int_eq(device->group, HOST_NO_GROUP);
    ck_assert_ptr_null(device->power.d3cold_allowed);
    ck_assert_ptr_null(device->reset_methods);
    ck_assert_ptr_null(device->power.control);
    ck_assert_ptr_null(device->power.state);
}
END_TEST

START_TEST(a_device_that_goes_meanwhile_is_left_out)
{
    g_autoptr(FakeHost) fake = fake_host_new_with_gpu();
    /* A device that goes between two calls: its link is listed, but leads nowhere. */
    ck_assert_int_eq(symlinkat("../../../devices/pci0000:00/0000:05:00.0", fake_host_sys_fd(fake),
                               "bus/pci/devices/0000:05:00.0"),
                     0);
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "bus/pci/devices/0000:01:00.1/modalias", 0), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_uint_eq(host->devices->len, 2);
    device_of(host, "0000:00:01.0");
    device_of(host, "0000:01:00.0");
}
END_TEST

START_TEST(what_the_kernel_says_of_vfio_and_the_iommu_is_seen)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    {
        g_autoptr(Host) host = scan(fake, NULL);
        ck_assert(host->vfio_pci);
        ck_assert(!host->iommu);
        ck_assert(!host->noiommu);
        ck_assert(!host->unsafe_interrupts);
        ck_assert_uint_eq(host->devices->len, 0);
    }
    fake_host_add_gpu(fake, "0000:01:00", NULL, 0);
    fake_host_unload_vfio_pci(fake);
    fake_host_set_parameter(fake, "vfio", "enable_unsafe_noiommu_mode", "Y");
    fake_host_set_parameter(fake, "vfio_iommu_type1", "allow_unsafe_interrupts", "Y");
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(!host->vfio_pci);
    ck_assert(host->iommu);
    ck_assert(host->noiommu);
    ck_assert(host->unsafe_interrupts);
}
END_TEST

START_TEST(a_host_without_pci_has_no_devices)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    ck_assert_int_eq(unlinkat(fake_host_sys_fd(fake), "bus/pci/devices", AT_REMOVEDIR), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_uint_eq(host->devices->len, 0);
    ck_assert(!host->iommu);
}
END_TEST

START_TEST(a_domain_of_vmd_starts_a_tree_of_its_own)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_function(fake, &(FakeFunction){.address = "10000:e0:06.0", .group = 1, .class = 0x060400});
    fake_host_add_function(
        fake, &(FakeFunction){
                  .address = "10000:e1:00.0", .behind = "10000:e0:06.0", .group = 2, .class = 0x010802});
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert(!device_of(host, "10000:e0:06.0")->has_upstream);
    ck_assert_str_eq(PCI_ADDRESS_STR(device_of(host, "10000:e1:00.0")->upstream), "10000:e0:06.0");
}
END_TEST

START_TEST(what_is_behind_vmd_is_known_to_be)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_vmd(fake, "0000:00:0e.0", 1);
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_str_eq(PCI_ADDRESS_STR(device_of(host, FAKE_VMD_PORT)->upstream), "0000:00:0e.0");
    ck_assert_str_eq(PCI_ADDRESS_STR(device_of(host, FAKE_VMD_DISK)->upstream), FAKE_VMD_PORT);
    ck_assert_ptr_eq(host_maker(host, device_of(host, FAKE_VMD_DISK)), device_of(host, "0000:00:0e.0"));
    ck_assert_ptr_null(host_maker(host, device_of(host, "0000:00:0e.0")));
}
END_TEST

START_TEST(four_thousand_functions_are_each_seen_in_order)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    for (unsigned i = 0; i < 4096; i++) {
        g_autofree char *address = g_strdup_printf("0000:%02x:%02x.%u", i >> 8, i >> 3 & 31, i & 7);
        fake_host_add_function(
            fake, &(FakeFunction){
                      .address = address, .group = (int)i, .vendor = 0x1af4, .device = i, .class = 0x020000});
    }
    g_autoptr(Host) host = scan(fake, NULL);
    ck_assert_uint_eq(host->devices->len, 4096);
    for (unsigned i = 0; i < 4096; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        ck_assert_uint_eq(device->device, i);
        ck_assert_int_eq(device->group, (int)i);
        ck_assert_uint_eq(device->address.bus << 8 | device->address.device << 3 | device->address.function,
                          i);
    }
}
END_TEST

START_TEST(memory_is_what_the_kernel_says_of_all_of_it)
{
    static const char text[] =
        "MemTotal:       16048940 kB\nMemFree:          400000 kB\nMemAvailable:    9000000 kB\n"
        "SwapFree:             1 kB\n";
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(Host) unknown = scan(fake, NULL);
    ck_assert_int_ge(file_replace_at(fake_host_proc_fd(fake), "meminfo", text, 0444), 0);
    g_autoptr(Host) host = scan(fake, NULL);

    ck_assert_uint_eq(unknown->memory, 0);
    ck_assert_uint_eq(unknown->memory_left, 0);
    ck_assert_uint_eq(host->memory, UINT64_C(16048940) * 1024);
    ck_assert_uint_eq(host->memory_left, UINT64_C(9000000) * 1024);
}
END_TEST

START_TEST(nodes_are_seen_with_their_huge_pages)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    fake_host_add_node(fake, 10, 7, 7);
    fake_host_add_node(fake, 2, 3, 3);
    static const char meminfo[] = "Node 2 MemTotal:       14903500 kB\nNode 2 MemFree:         1000 kB\n"
                                  "Node 2 Active:          90000 kB\nNode 2 Inactive:        90000 kB\n"
                                  "Node 2 Active(file):     200 kB\nNode 2 Inactive(file):    30 kB\n"
                                  "Node 2 Slab:             5000 kB\nNode 2 SReclaimable:       4 kB\n";
    int fd = fake_host_sys_fd(fake);
    ck_assert_int_ge(file_replace_at(fd, "devices/system/node/node2/meminfo", meminfo, 0444), 0);
    g_autoptr(Host) host = scan(fake, NULL);
    const HostNode *first = &g_array_index(host->nodes, HostNode, 0);

    ck_assert_uint_eq(host->nodes->len, 2);
    ck_assert_uint_eq(first->number, 2);
    ck_assert_uint_eq(first->memory, UINT64_C(14903500) * 1024);
    ck_assert_uint_eq(first->left, UINT64_C(1234) * 1024);
    ck_assert_uint_eq(g_array_index(host->nodes, HostNode, 1).left, 0);
    ck_assert(first->pages[HUGE_PAGES_2M].there && !first->pages[HUGE_PAGES_1G].there);
    ck_assert_uint_eq(first->pages[HUGE_PAGES_2M].total, 3);
    ck_assert_uint_eq(first->pages[HUGE_PAGES_2M].free, 3);
}
END_TEST

START_TEST(the_bridge_of_mode_nat_is_told_from_another_of_that_name)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    int sys_fd = fake_host_sys_fd(fake), fd = file_open_dirs_at(sys_fd, "class/net/usher0/bridge", 0755);
    close(fd);

    ck_assert_int_ge(file_replace_at(sys_fd, "class/net/usher0/address", "02:00:00:00:00:01\n", 0444), 0);
    g_autoptr(Host) before = scan(fake, NULL);
    ck_assert(host_find_link(before, "usher0")->bridge && !host_find_link(before, "usher0")->nat);
    ck_assert_int_ge(file_replace_at(sys_fd, "class/net/usher0/address", NAT_BRIDGE_ADDRESS "\n", 0444), 0);
    g_autoptr(Host) after = scan(fake, NULL);
    ck_assert(host_find_link(after, "usher0")->nat);
}
END_TEST

SUITE("host-scan", a_gpu_is_seen_with_all_that_sysfs_says_of_it,
      the_bridge_of_mode_nat_is_told_from_another_of_that_name,
      a_bridge_is_known_by_its_class_or_the_bus_below_it, drivers_and_overrides_are_seen_as_they_are,
      a_virtual_function_names_its_physical_one,
      a_card_says_how_many_virtual_functions_it_could_have_and_where,
      a_mediated_device_is_seen_with_what_it_was_made_of,
      what_mediated_devices_can_be_made_of_a_device_is_seen_by_who_asks,
      the_display_of_the_firmware_is_marked, attributes_that_are_missing_are_unknown,
      a_device_that_goes_meanwhile_is_left_out, what_the_kernel_says_of_vfio_and_the_iommu_is_seen,
      a_host_without_pci_has_no_devices, a_domain_of_vmd_starts_a_tree_of_its_own,
      what_is_behind_vmd_is_known_to_be, four_thousand_functions_are_each_seen_in_order,
      nodes_are_seen_with_their_huge_pages, memory_is_what_the_kernel_says_of_all_of_it)
