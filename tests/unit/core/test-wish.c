/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/plan/wish.h"
#include "../suite.h"
#include "a-host.h"

/* What a wish for address comes to: "0000:01:00.0 (radeon), …". */
static char *resolved(const Host *host, const char *address, uint8_t functions)
{
    BindWish wish = {.address = address_of(address), .functions = functions};
    g_autoptr(GPtrArray) devices = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    int r = wish_resolve(host, &wish, &devices, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    return host_describe(devices);
}

static void assert_resolves(const Host *host, const char *address, uint8_t functions, const char *expected)
{
    g_autofree char *text = resolved(host, address, functions);
    ck_assert_str_eq(text, expected);
}

static void assert_refused(const Host *host, const char *address, uint8_t functions, FaultKind kind,
                           const char *message, const char *remedy)
{
    BindWish wish = {.address = address_of(address), .functions = functions};
    GPtrArray *devices = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(wish_resolve(host, &wish, &devices, &fault), FAULT_RAISED);
    ck_assert_ptr_null(devices);
    ck_assert_str_eq(fault_kind_to_string(fault->kind), fault_kind_to_string(kind));
    ck_assert_str_eq(fault->message, message);
    ck_assert_msg(strstr(fault->remedy, remedy), "%s: %s", message, fault->remedy);
}

START_TEST(all_functions_of_a_slot_go_along_and_its_bridge_does_not)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_resolves(host, "0000:01:00.0", 0, "0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
    assert_resolves(host, "0000:01:00.1", 0, "0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
}
END_TEST

START_TEST(named_functions_come_alone)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_resolves(host, "0000:01:00.0", 1 << 1, "0000:01:00.1 (snd_hda_intel)");
    assert_resolves(host, "0000:01:00.0", 1 << 0, "0000:01:00.0 (radeon)");
    assert_resolves(host, "0000:01:00.0", 1 << 0 | 1 << 1,
                    "0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
}
END_TEST

START_TEST(a_function_that_is_not_there_is_named_with_its_slot)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_refused(host, "0000:01:00.0", 1 << 0 | 1 << 2, FAULT_NO_SUCH_DEVICE,
                   "there is no device 0000:01:00.2",
                   "its slot has 0000:01:00.0 (radeon), 0000:01:00.1 (snd_hda_intel)");
    assert_refused(host, "0000:01:00.4", 0, FAULT_NO_SUCH_DEVICE, "there is no device 0000:01:00.4",
                   "its slot has");
}
END_TEST

START_TEST(an_unknown_address_is_answered_with_its_bus)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_refused(host, "0000:01:05.0", 0, FAULT_NO_SUCH_DEVICE, "there is no device 0000:01:05.0",
                   "its bus has 0000:01:00.0 (radeon), 0000:01:00.1");
    assert_refused(host, "0000:07:00.0", 0, FAULT_NO_SUCH_DEVICE, "there is no device 0000:07:00.0",
                   "usherctl devices");
    assert_refused(host, "0001:01:00.0", 0, FAULT_NO_SUCH_DEVICE, "there is no device 0001:01:00.0",
                   "usherctl devices");
}
END_TEST

START_TEST(a_full_bus_is_no_hint)
{
    g_autoptr(Host) host = a_host();
    for (unsigned i = 0; i < 9; i++) {
        g_autofree char *address = g_strdup_printf("0000:00:%02x.0", i);
        a_device(host, address, i, NULL);
    }
    assert_refused(host, "0000:00:1f.0", 0, FAULT_NO_SUCH_DEVICE, "there is no device 0000:00:1f.0",
                   "usherctl devices");
}
END_TEST

START_TEST(a_bridge_stays_with_the_host)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    assert_refused(host, "0000:00:01.0", 0, FAULT_REFUSED,
                   "0000:00:01.0 is a bridge, and bridges stay with the host", "behind it");
}
END_TEST

START_TEST(the_root_complex_and_the_isa_bridge_stay_with_the_host_too)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:00:00.0", 0, NULL)->class = 0x060000;
    a_device(host, "0000:00:1f.0", 9, "lpc_ich")->class = 0x060100;
    a_device(host, "0000:00:1f.3", 9, "i801_smbus")->class = 0x0c0500;
    assert_refused(host, "0000:00:00.0", 0, FAULT_REFUSED,
                   "0000:00:00.0 is a bridge, and bridges stay with the host", "behind it");
    assert_refused(host, "0000:00:1f.0", 0, FAULT_REFUSED,
                   "0000:00:1f.0 is a bridge, and bridges stay with the host", "behind it");
    assert_resolves(host, "0000:00:1f.3", 0, "0000:00:1f.3 (i801_smbus)");
}
END_TEST

static void add_function(Host *host, const char *address, int group, uint32_t class, const char *driver)
{
    a_device(host, address, group, driver)->class = class;
}

/* A Ryzen with graphics: each function in a group of its own. */
static Host *a_host_with_an_apu(void)
{
    Host *host = a_host();

    add_function(host, "0000:07:00.0", 20, 0x030000, "amdgpu");
    add_function(host, "0000:07:00.1", 21, 0x040300, "snd_hda_intel");
    add_function(host, "0000:07:00.2", 22, 0x108000, "ccp");
    add_function(host, "0000:07:00.3", 23, 0x0c0330, "xhci_hcd");
    add_function(host, "0000:07:00.5", 24, 0x048000, "snd_pci_acp3x");
    host_sort(host);
    return host;
}

START_TEST(of_an_apu_picture_and_sound_go_along)
{
    g_autoptr(Host) host = a_host_with_an_apu();
    BindWish wish = {.address = address_of("0000:07:00.0")};
    g_autoptr(GPtrArray) functions = NULL;

    assert_resolves(host, "0000:07:00.0", 0, "0000:07:00.0 (amdgpu), 0000:07:00.1 (snd_hda_intel)");
    assert_resolves(host, "0000:07:00.1", 0, "0000:07:00.0 (amdgpu), 0000:07:00.1 (snd_hda_intel)");
    assert_resolves(host, "0000:07:00.3", 0, "0000:07:00.3 (xhci_hcd)");
    assert_resolves(host, "0000:07:00.0", 1 << 0 | 1 << 2, "0000:07:00.0 (amdgpu), 0000:07:00.2 (ccp)");
    ck_assert_int_eq(wish_resolve(host, &wish, &functions, NULL), 0);
    g_autoptr(GPtrArray) left = wish_left(host, &wish, functions);
    g_autofree char *words = host_describe(left);
    ck_assert_str_eq(words, "0000:07:00.2 (ccp), 0000:07:00.3 (xhci_hcd), 0000:07:00.5 (snd_pci_acp3x)");
}
END_TEST

START_TEST(the_usb_port_of_a_card_goes_along)
{
    g_autoptr(Host) host = a_host();
    BindWish wish = {.address = address_of("0000:01:00.0")};
    g_autoptr(GPtrArray) functions = NULL;

    add_function(host, "0000:01:00.0", 1, 0x030000, "nvidia");
    add_function(host, "0000:01:00.1", 2, 0x040300, "snd_hda_intel");
    add_function(host, "0000:01:00.2", 3, 0x0c0330, "xhci_hcd");
    add_function(host, "0000:01:00.3", 4, 0x0c8000, "nvidia-gpu");
    host_sort(host);
    assert_resolves(host, "0000:01:00.0", 0,
                    "0000:01:00.0 (nvidia), 0000:01:00.1 (snd_hda_intel), 0000:01:00.2 (xhci_hcd), "
                    "0000:01:00.3 (nvidia-gpu)");
    ck_assert_int_eq(wish_resolve(host, &wish, &functions, NULL), 0);
    g_autoptr(GPtrArray) left = wish_left(host, &wish, functions);
    ck_assert_uint_eq(left->len, 0);
}
END_TEST

/* An NVSwitch, and a non-transparent bridge: devices with a driver of their own, and the class of bridges. */
START_TEST(a_function_of_the_class_of_bridges_with_a_devices_header_is_one)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:05:00.0", 9, "nvidia-nvswitch")->class = 0x068000;
    a_bridge(host, "0000:06:00.0", 10)->class = 0x068000;
    host_sort(host);
    assert_resolves(host, "0000:05:00.0", 0, "0000:05:00.0 (nvidia-nvswitch)");
    assert_refused(host, "0000:06:00.0", 0, FAULT_REFUSED,
                   "0000:06:00.0 is a bridge, and bridges stay with the host", "name a device behind it");
}
END_TEST

START_TEST(a_bridge_in_the_slot_of_a_device_is_passed_over_unless_it_is_named)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:00:1f.0", 9, NULL);
    a_bridge(host, "0000:00:1f.1", 9);
    assert_resolves(host, "0000:00:1f.0", 0, "0000:00:1f.0 (no driver)");
    assert_refused(host, "0000:00:1f.0", 1 << 1, FAULT_REFUSED,
                   "0000:00:1f.1 is a bridge, and bridges stay with the host", "behind it");
}
END_TEST

/* With an offset of one, virtual functions share the slot of the physical one. */
START_TEST(virtual_functions_are_lent_one_by_one)
{
    g_autoptr(Host) host = a_host();
    a_device(host, "0000:03:00.0", 20, "nvme");
    for (unsigned i = 1; i < 4; i++) {
        g_autofree char *address = g_strdup_printf("0000:03:00.%u", i);
        HostDevice *virtual = a_device(host, address, 20 + i, "nvme");
        virtual->virtual_function = true;
        virtual->physical = address_of("0000:03:00.0");
    }
    assert_resolves(host, "0000:03:00.2", 0, "0000:03:00.2 (nvme)");
    assert_resolves(host, "0000:03:00.0", 0, "0000:03:00.0 (nvme)");
    assert_resolves(host, "0000:03:00.1", 1 << 1 | 1 << 3, "0000:03:00.1 (nvme), 0000:03:00.3 (nvme)");
}
END_TEST

START_TEST(without_an_iommu_the_switch_is_named)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    host->iommu = false;
    device_of(host, "0000:01:00.0")->group = HOST_NO_GROUP;
    assert_refused(host, "0000:01:00.0", 0, FAULT_NO_IOMMU,
                   "0000:01:00.0 cannot be lent: the kernel uses no IOMMU", "intel_iommu=on");
}
END_TEST

START_TEST(a_device_without_a_group_among_others_with_one_is_told_so)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    device_of(host, "0000:01:00.1")->group = HOST_NO_GROUP;
    assert_refused(host, "0000:01:00.0", 0, FAULT_NO_IOMMU,
                   "0000:01:00.1 cannot be lent: it is in no IOMMU group, though other devices are",
                   "firmware");
    assert_resolves(host, "0000:01:00.0", 1 << 0, "0000:01:00.0 (radeon)");
}
END_TEST

START_TEST(the_unsafe_mode_of_vfio_is_refused)
{
    g_autoptr(Host) host = a_host_with_a_gpu();
    host->noiommu = true;
    assert_refused(host, "0000:01:00.0", 0, FAULT_NO_IOMMU,
                   "vfio is in its unsafe no-IOMMU mode: a guest with 0000:01:00.0 could write to all of the "
                   "host's memory",
                   "enable_unsafe_noiommu_mode");
}
END_TEST

SUITE("wish", all_functions_of_a_slot_go_along_and_its_bridge_does_not, named_functions_come_alone,
      a_function_that_is_not_there_is_named_with_its_slot, an_unknown_address_is_answered_with_its_bus,
      a_full_bus_is_no_hint, a_bridge_stays_with_the_host, of_an_apu_picture_and_sound_go_along,
      the_usb_port_of_a_card_goes_along, a_function_of_the_class_of_bridges_with_a_devices_header_is_one,
      the_root_complex_and_the_isa_bridge_stay_with_the_host_too,
      a_bridge_in_the_slot_of_a_device_is_passed_over_unless_it_is_named,
      virtual_functions_are_lent_one_by_one, without_an_iommu_the_switch_is_named,
      a_device_without_a_group_among_others_with_one_is_told_so, the_unsafe_mode_of_vfio_is_refused)
