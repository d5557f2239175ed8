/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USB devices of the host: which one a definition means, and whether a guest may have it. */
#pragma once

#include <stdbool.h>

#include "host.h"

/* "1-2.3": bus 1, port 2 of its root hub, port 3 of the hub there (Documentation/ABI/stable/sysfs-bus-usb).
 */
bool usb_port_valid(const char *text);

/* The name of a port that stays from one boot to the next, unlike the numbers of buses: udev's ID_PATH,
 * "pci-0000:00:14.0-usb-0:2.3" (systemd's udev-builtin-path_id.c, handle_usb()). */
bool usb_place_valid(const char *text);
/* The place of a port, by the link that sysfs has for it:
 * "../../../devices/pci0000:00/0000:00:14.0/usb1/1-2". NULL: its controller is no PCI device. The caller
 * frees it. */
char *usb_place(const char *port, const char *link);

/* "/dev/bus/usb/001/007"; the caller frees it. The reverse is false if the text is not such a path. */
char *usb_node(const HostUsb *usb);
bool usb_node_parse(const char *path, unsigned *ret_bus, unsigned *ret_number);

/* "046d:0a8f at port 1-2.3". The caller frees both. */
char *usb_describe(const HostUsb *usb);

/* Whether each interface that had a driver has one again, whichever: the host's choice. Both as in
 * STEP_USB_DRIVERS. */
bool usb_drivers_back(const char *drivers, const char *live);
