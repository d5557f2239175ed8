/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

/* The ports of a guest's USB controller: the most that QEMU's has of each speed (XHCI_MAXPORTS_2 and _3 in
 * its hw/usb/hcd-xhci.h). The first is an emulated device's, the sections' follow from USB_FIRST_PORT on, and
 * further emulated devices have the last ones, downwards. */
#define USB_PORTS 15
#define USB_FIRST_PORT 2

/* [USB name]: the one device that all of these fit; at least one is there */
struct DefinitionUsb {
    char *name;
    char *id;     /* "046d:0a8f"; NULL: any */
    char *serial; /* NULL: any */
    char *port;   /* "1-2.3", or its place: "pci-0000:00:14.0-usb-0:2.3"; NULL: any */
};
