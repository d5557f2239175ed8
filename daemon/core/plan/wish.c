/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/remedy.h"
#include "wish.h"

/* What somebody may have meant by an address that is not there. */
static char *suggest(const Host *host, PciAddress address)
{
    g_autoptr(GPtrArray) slot = host_slot(host, address);
    if (slot->len > 0) {
        g_autofree char *functions = host_describe(slot);
        return g_strdup_printf("its slot has %s", functions);
    }

    g_autoptr(GPtrArray) bus = g_ptr_array_new();
    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->address.domain == address.domain && device->address.bus == address.bus)
            g_ptr_array_add(bus, device);
    }
    /* A root bus holds a score of them: that is a list, no hint. */
    if (bus->len == 0 || bus->len > 8)
        return g_strdup("see which devices there are: usherctl devices");
    g_autofree char *devices = host_describe(bus);
    return g_strdup_printf("its bus has %s", devices);
}

static int raise_no_such_device(const Host *host, PciAddress address, Fault **ret_fault)
{
    g_autofree char *remedy = suggest(host, address);
    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "there is no device %s",
                       PCI_ADDRESS_STR(address));
}

static int raise_bridge(const HostDevice *device, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_REFUSED, "name a device behind it",
                       "%s is a bridge, and bridges stay with the host", PCI_ADDRESS_STR(device->address));
}

/* PCI Code and ID Assignment Specification 1.11, 1.4 and 1.5. */
static bool is_display(const HostDevice *device)
{
    return device->class >> 16 == 0x03;
}

static bool is_picture_or_sound(const HostDevice *device)
{
    unsigned kind = device->class >> 8;

    return is_display(device) || kind == 0x0401 || kind == 0x0403;
}

/* What a graphics card has besides: a USB controller, and the one of its USB-C port (UCSI, 0c80). */
static bool fits_a_card(const HostDevice *device)
{
    unsigned kind = device->class >> 8;

    return is_picture_or_sound(device) || kind == 0x0c03 || kind == 0x0c80;
}

/* Whether the slot holds a display and more than a graphics card has: that of an APU, with
 * its PSP and the host's USB controllers. */
static bool is_mixed(const GPtrArray *slot)
{
    bool display = false, strange = false;

    for (unsigned i = 0; i < slot->len; i++) {
        const HostDevice *device = g_ptr_array_index(slot, i);
        display |= is_display(device);
        strange |= !fits_a_card(device) && !host_device_stays(device) && !device->virtual_function;
    }
    return display && strange;
}

/* Functions=all takes along the rest of the card. Virtual functions are lent one by one: the slot may hold
 * those of other guests, and their physical function. mixed: the slot is no card, and of it the functions for
 * picture and sound belong together. */
static bool goes_along(const HostDevice *named, const HostDevice *device, bool mixed)
{
    if (device == named)
        return true;
    if (mixed && !(is_picture_or_sound(named) && is_picture_or_sound(device)))
        return false;
    return !host_device_stays(device) && !named->virtual_function && !device->virtual_function;
}

/* VMD's domains are those beyond what ACPI can number (vmd_find_free_domain() of
 * drivers/pci/controller/vmd.c). */
static char *remedy_without_group(const Host *host, const HostDevice *device)
{
    const HostDevice *maker = device->virtual_function ? NULL : host_maker(host, device);

    if (maker || device->address.domain > 0xffff)
        return host_maker_remedy(maker);
    return g_strdup(
        "the firmware keeps the device out of the IOMMU's reach: try another slot, or a firmware update");
}

/* Can the kernel isolate this function at all? */
static int check_isolation(const Host *host, const HostDevice *device, Fault **ret_fault)
{
    if (host->noiommu)
        return fault_raise(
            ret_fault, FAULT_NO_IOMMU,
            "turn the mode off: echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode, and remove "
            "the option from /etc/modprobe.d and the kernel's command line",
            "vfio is in its unsafe no-IOMMU mode: a guest with %s could write to all of the host's memory",
            PCI_ADDRESS_STR(device->address));
    if (!host->iommu) {
        g_autofree char *boot = remedy_boot_with("intel_iommu=on");
        g_autofree char *remedy = g_strconcat("switch on VT-d or AMD-Vi in the firmware's setup; on AMD the "
                                              "kernel then uses it by itself, on Intel ",
                                              boot, NULL);
        return fault_raise(ret_fault, FAULT_NO_IOMMU, remedy, "%s cannot be lent: the kernel uses no IOMMU",
                           PCI_ADDRESS_STR(device->address));
    }
    if (device->group != HOST_NO_GROUP)
        return 0;
    g_autofree char *remedy = remedy_without_group(host, device);
    return fault_raise(ret_fault, FAULT_NO_IOMMU, remedy,
                       "%s cannot be lent: it is in no IOMMU group, though other devices are",
                       PCI_ADDRESS_STR(device->address));
}

static int resolve_virtual_functions(const Host *host, const BindWish *wish, GPtrArray **ret,
                                     Fault **ret_fault)
{
    g_autoptr(GPtrArray) functions = host_virtual_functions(host, wish->address);

    if (functions->len != wish->virtual_functions)
        return fault_raise(ret_fault, FAULT_DRIFT, "somebody else changed the device just now; try again",
                           "%s has %u virtual functions, not %u", PCI_ADDRESS_STR(wish->address),
                           functions->len, wish->virtual_functions);
    for (unsigned i = 0; i < functions->len; i++) {
        int r = check_isolation(host, g_ptr_array_index(functions, i), ret_fault);
        if (r != 0)
            return r;
    }
    *ret = g_steal_pointer(&functions);
    return 0;
}

int wish_resolve(const Host *host, const BindWish *wish, GPtrArray **ret, Fault **ret_fault)
{
    const HostDevice *named = host_find(host, wish->address);
    if (!named)
        return raise_no_such_device(host, wish->address, ret_fault);
    if (wish->virtual_functions > 0)
        return resolve_virtual_functions(host, wish, ret, ret_fault);

    g_autoptr(GPtrArray) functions = g_ptr_array_new(), slot = host_slot(host, wish->address);
    bool mixed = is_mixed(slot);
    for (unsigned n = 0; n < 8; n++) {
        PciAddress address = wish->address;
        address.function = n;
        const HostDevice *device = host_find(host, address);
        bool wanted =
            wish->functions == 0 ? device && goes_along(named, device, mixed) : wish->functions >> n & 1;
        if (!wanted)
            continue;
        if (!device)
            return raise_no_such_device(host, address, ret_fault);
        int r = host_device_stays(device) ? raise_bridge(device, ret_fault)
                                          : check_isolation(host, device, ret_fault);
        if (r != 0)
            return r;
        g_ptr_array_add(functions, (gpointer)device);
    }
    *ret = g_steal_pointer(&functions);
    return 0;
}

GPtrArray *wish_left(const Host *host, const BindWish *wish, const GPtrArray *functions)
{
    g_autoptr(GPtrArray) slot = host_slot(host, wish->address);
    GPtrArray *left = g_ptr_array_new();
    bool all = wish->functions == 0 && wish->virtual_functions == 0 && is_mixed(slot);

    for (unsigned i = 0; all && i < slot->len; i++) {
        HostDevice *device = g_ptr_array_index(slot, i);
        if (!host_device_stays(device) && !device->virtual_function &&
            !g_ptr_array_find((GPtrArray *)functions, device, NULL))
            g_ptr_array_add(left, device);
    }
    return left;
}
