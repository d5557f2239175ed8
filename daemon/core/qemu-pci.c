/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-builder.h"

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
        if (i == 0 && planned->wish && planned->wish->primary_vga)
            json_set_bool(device, "x-vga", true);
        builder_json(builder, "-device", device);
    }
}
