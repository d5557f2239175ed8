/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interfaces of a USB device and their drivers, as sysfs shows them. Reads only, and waits for no lock of
 * a device's. */
#pragma once

#include <glib.h>

/* Below /sys. */
#define USB_INTERFACES_FOLDER "bus/usb/devices"

/* The name in sysfs of the device with this node ("/dev/bus/usb/001/007", anything else is -EINVAL): "1-2.3";
 * *ret is NULL if it is not there, and the caller's. 0 or -errno. */
int usb_interfaces_port(int sys_fd, const char *node, char **ret);
/* "1-2.3:1.0" and so on, sorted; an array of char* that the caller frees. 0 or -errno. */
int usb_interfaces_list(int sys_fd, const char *port, GPtrArray **ret);
/* The driver of one of these, NULL for none. The caller frees it. */
char *usb_interfaces_driver(int sys_fd, const char *interface);

/* node: "/dev/bus/usb/001/007", anything else is -EINVAL. *ret: "1.0:snd-usb-audio 1.1:usbhid" in the order
 * of the interfaces, those alone that have one; NULL: the device is not there. Waits for no lock of a
 * device's. 0 or -errno. */
int usb_drivers_read(int sys_fd, const char *node, char **ret);
