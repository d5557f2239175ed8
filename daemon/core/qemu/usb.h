/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices of the host as QEMU's. They are never on its command line, as they come and go: each is added
 * over QMP when it is there. */
#pragma once

#include <json-c/json.h>

#include "../definition/handle.h"

/* "usb-headset": the device's name. The caller frees it. */
char *qemu_usb_id(const DefinitionUsb *usb);

/* Arguments of device_add for a device whose open node is in that set of descriptors (add-fd). index: the
 * section's place among its like, by which it gets its port. */
struct json_object *qemu_usb_device(const DefinitionUsb *usb, unsigned index, int set);
