/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/pci.h"
#include "pci.h"

#include <string.h>

#include "../definition/keys.h"
#include "../plan/file-wish.h"
#include "builder.h"

#define GRAPHICS_UNIT (UINT64_C(32) << 20)

static void add_id(struct json_object *device, const char *name, unsigned id)
{
    if (id)
        json_set_number(device, name, id & ~VALUE_ID_GIVEN);
}

/* Adds what the section says of its first function, the card's main one. */
static void add_wish(const DefinitionPci *wish, const char *rom, struct json_object *device)
{
    if (wish->primary_vga)
        json_set_bool(device, "x-vga", true);
    if (rom)
        json_set_text(device, "romfile", "%s", rom);
    if (!wish->rom_bar)
        json_set_number(device, "rombar", 0);
    if (wish->boot_index)
        json_set_number(device, "bootindex", wish->boot_index);
    /* In units of 32 MiB (vfio_probe_igd_quirk of QEMU's hw/vfio/igd.c). */
    if (wish->graphics_memory)
        json_set_number(device, "x-igd-gms", wish->graphics_memory / GRAPHICS_UNIT);
    add_id(device, "x-pci-vendor-id", wish->vendor_id);
    add_id(device, "x-pci-device-id", wish->device_id);
    add_id(device, "x-pci-sub-vendor-id", wish->sub_vendor_id);
    add_id(device, "x-pci-sub-device-id", wish->sub_device_id);
}

char *qemu_pci_slot(const PlanDevice *device)
{
    return g_strconcat("pci-", device->name, NULL);
}

bool qemu_pci_parse_id(const char *id, char **ret_slot, unsigned *ret_function)
{
    const char *dash = strrchr(id, '-');

    if (!dash || dash[1] < '0' || dash[1] > '7' || dash[2] != '\0' ||
        !(g_str_has_prefix(id, "pci-") || g_str_has_prefix(id, QEMU_SPARE_SLOT)))
        return false;
    *ret_slot = g_strndup(id, dash - id);
    *ret_function = dash[1] - '0';
    return true;
}

struct json_object *qemu_iommufd(const char *fd)
{
    struct json_object *object = json_object_new_object();

    json_set_text(object, "qom-type", "iommufd");
    json_set_text(object, "id", "%s", QEMU_IOMMUFD_ID);
    json_set_text(object, "fd", "%s", fd);
    return object;
}

struct json_object *qemu_pci_function(const PlanDevice *planned, const char *slot, unsigned function,
                                      const char *rom, const char *fd)
{
    g_autofree char *id = g_strdup_printf("%s-%u", slot, function);
    bool shown = planned->mediated && planned->wish && planned->wish->display;
    struct json_object *device =
        builder_device(shown ? "vfio-pci-nohotplug" : "vfio-pci", id, slot, function);

    /* Its drivers look for it there, and for the region by its side (docs/igd-assign.txt of QEMU's). */
    if (planned->intel_graphics && function == 0) {
        json_set_text(device, "bus", "pcie.0");
        json_set_text(device, "addr", "0x%x", SLOT_INTEL_GRAPHICS);
        json_set_bool(device, "x-igd-opregion", true);
    }

    /* With a descriptor QEMU looks for no path; it keeps the address, which usherd asks it for after a
     * restart (vfio_realize() and vfio_device_get_name() of QEMU's hw/vfio). */
    if (fd) {
        json_set_text(device, "iommufd", "%s", QEMU_IOMMUFD_ID);
        json_set_text(device, "fd", "%s", fd);
    }
    /* ramfb is the screen until the guest's driver is there; only this kind of device has it, as no screen
     * can be plugged in. */
    if (shown) {
        json_set_text(device, "display", "on");
        json_set_bool(device, "ramfb", true);
    }
    if (planned->mediated)
        json_set_text(device, "sysfsdev", "/sys/bus/mdev/devices/%s", planned->mediated);
    else
        json_set_text(device, "host", "%s",
                      PCI_ADDRESS_STR(g_array_index(planned->functions, PciAddress, function)));
    if (function == 0 && planned->functions->len > 1)
        json_set_bool(device, "multifunction", true);
    if (function == 0 && planned->wish)
        add_wish(planned->wish, rom, device);
    return device;
}

/* QEMU takes no descriptor here, but it reads the file once, when it makes the device. */
static char *add_rom(QemuBuilder *builder, const PlanDevice *planned)
{
    if (!planned->wish || !planned->wish->rom)
        return NULL;
    return g_strdup_printf("/proc/self/fd/%d",
                           builder_file(builder, QEMU_FILE_ROM, planned->wish->rom, true));
}

/* All devices share it, and so one map of the guest's memory. */
static void add_iommufd(QemuBuilder *builder)
{
    if (builder->iommufd)
        return;
    builder->iommufd = true;
    g_autofree char *fd = g_strdup_printf("%d", builder_file(builder, QEMU_FILE_IOMMUFD, VFIO_IOMMU, false));
    builder_json(builder, "-object", qemu_iommufd(fd));
}

/* NULL: the group's node is used. */
static char *add_node(QemuBuilder *builder, const PlanDevice *planned, unsigned function)
{
    if (!planned->iommufd)
        return NULL;
    add_iommufd(builder);
    const char *address = PCI_ADDRESS_STR(g_array_index(planned->functions, PciAddress, function));
    return g_strdup_printf("%d", builder_file(builder, QEMU_FILE_VFIO, address, false));
}

void qemu_add_pci(QemuBuilder *builder, const PlanDevice *planned)
{
    g_autofree char *slot = qemu_pci_slot(planned);
    g_autofree char *rom = add_rom(builder, planned);

    if (!planned->intel_graphics)
        builder_port(builder, PORTS_PCI, builder->n_pci_ports++, slot);
    /* A mediated device has one function, and it is none of the host's. */
    for (unsigned i = 0; i < MAX(planned->functions->len, 1); i++) {
        g_autofree char *fd = add_node(builder, planned, i);
        builder_json(builder, "-device", qemu_pci_function(planned, slot, i, rom, fd));
    }
}

void qemu_add_spare_ports(QemuBuilder *builder, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *slot = g_strdup_printf(QEMU_SPARE_SLOT "%u", i);
        struct json_object *port = builder_new_port(PORTS_SPARE, i, slot);

        /* UEFI has I/O space for ten ports (OVMF, PcdPciIoSize), and keeps some for each empty port: a disk
         * shall not go without. A device that is plugged in later gets some from the guest's system, or does
         * without. */
        json_set_number(port, "io-reserve", 0);
        builder_json(builder, "-device", port);
    }
}
