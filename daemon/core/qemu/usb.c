/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/usb.h"
#include "usb.h"

#include "builder.h"

char *qemu_usb_id(const DefinitionUsb *usb)
{
    return g_strconcat("usb-", usb->name, NULL);
}

struct json_object *qemu_usb_device(const DefinitionUsb *usb, unsigned index, int set)
{
    g_autofree char *id = qemu_usb_id(usb);
    /* A fixed port: Windows looks for drivers anew wherever it has not seen a device before. */
    struct json_object *device = json_new_usb("usb-host", id, USB_FIRST_PORT + index);

    json_set_text(device, "hostdevice", "/dev/fdset/%d", set);
    return device;
}
