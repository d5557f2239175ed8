/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition-keys.h"
#include "qemu-builder.h"

static void add_id(struct json_object *device, const char *name, unsigned id)
{
    if (id)
        json_set_number(device, name, id & ~VALUE_ID_GIVEN);
}

/* What the section says of its first function, the card's main one. */
static void add_wish(QemuBuilder *builder, const DefinitionPci *wish, struct json_object *device)
{
    if (wish->primary_vga)
        json_set_bool(device, "x-vga", true);
    /* QEMU takes no descriptor here, but it reads the file once, when it makes the device. */
    if (wish->rom)
        json_set_text(device, "romfile", "/proc/self/fd/%d",
                      builder_file(builder, QEMU_FILE_ROM, wish->rom, true));
    if (!wish->rom_bar)
        json_set_number(device, "rombar", 0);
    if (wish->boot_index)
        json_set_number(device, "bootindex", wish->boot_index);
    add_id(device, "x-pci-vendor-id", wish->vendor_id);
    add_id(device, "x-pci-device-id", wish->device_id);
    add_id(device, "x-pci-sub-vendor-id", wish->sub_vendor_id);
    add_id(device, "x-pci-sub-device-id", wish->sub_device_id);
}

void qemu_add_pci(QemuBuilder *builder, const PlanDevice *planned, unsigned index)
{
    g_autofree char *port = g_strconcat("pci-", planned->name, NULL);

    builder_port(builder, PORTS_PCI, index, port);
    for (unsigned i = 0; i < planned->functions->len; i++) {
        g_autofree char *id = g_strdup_printf("%s-%u", port, i);
        struct json_object *device = builder_device("vfio-pci", id, port, i);

        json_set_text(device, "host", "%s",
                      PCI_ADDRESS_STR(g_array_index(planned->functions, PciAddress, i)));
        if (i == 0 && planned->functions->len > 1)
            json_set_bool(device, "multifunction", true);
        if (i == 0 && planned->wish)
            add_wish(builder, planned->wish, device);
        builder_json(builder, "-device", device);
    }
}
