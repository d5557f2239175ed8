/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/usb.h"
#include "usb.h"

#include "builder.h"

/* The first is the emulated mouse's. */
#define FIRST_PORT 2

char *qemu_usb_id(const DefinitionUsb *usb)
{
    return g_strconcat("usb-", usb->name, NULL);
}

struct json_object *qemu_usb_device(const DefinitionUsb *usb, unsigned index, int set)
{
    struct json_object *device = json_new_driver("usb-host");
    g_autofree char *id = qemu_usb_id(usb);

    json_set_text(device, "id", "%s", id);
    json_set_text(device, "bus", "usb.0");
    /* A fixed port: Windows looks for drivers anew wherever it has not seen a device before. */
    json_set_text(device, "port", "%u", FIRST_PORT + index);
    json_set_text(device, "hostdevice", "/dev/fdset/%d", set);
    return device;
}
