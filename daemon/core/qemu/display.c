/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A screen that is seen on the host. QEMU does not listen for viewers: each is handed over as a connected
 * socket, over QMP (add_client), so that there is no port, and no password to keep. */
#include "builder.h"

void qemu_add_display_server(QemuBuilder *builder, DisplayType type)
{
    switch (type) {
    case DISPLAY_VNC:
        builder_option(builder, "-vnc", "none");
        break;
    case DISPLAY_SPICE:
        /* Port 0 means none. Tickets are passwords; a viewer that is handed over has proven its user's
         * rights. */
        builder_option(builder, "-spice", "port=0,disable-ticketing=on");
        break;
    default:
        break;
    }
}

void qemu_add_display(QemuBuilder *builder)
{
    struct json_object *device;

    /* Every firmware and system has a driver for this one, before any is installed. */
    device = json_new_driver("VGA");
    json_set_text(device, "id", "display");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_DISPLAY);
    builder_json(builder, "-device", device);
    /* A mouse only reports movements, so the guest's pointer would be elsewhere than the viewer's. The
     * keyboard is the chipset's own. */
    builder_usb(builder);
    device = json_new_driver("usb-tablet");
    json_set_text(device, "id", "tablet");
    json_set_text(device, "bus", "usb.0");
    builder_json(builder, "-device", device);
}
