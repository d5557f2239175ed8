/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's drivers of a USB device's interfaces, and its node. usbfs, by which QEMU has a device, takes the
 * place of drivers and does not bring them back when QEMU is killed. */
#pragma once

#include <stdbool.h>

/* The device's folder below /sys. -ENODEV: it is not there. */
int usb_drivers_folder(int sys_fd, const char *node, char **ret);
/* Whether a write of these takes drivers away: all, or those of another configuration. */
bool usb_drivers_leave(int sys_fd, const char *folder, const char *drivers);

/* drivers "": all of them go. Otherwise the device is asked to find drivers again, in the configuration that
 * the text names, as the guest may have chosen another. 0 or -errno. */
int usb_drivers_write(int sys_fd, const char *node, const char *drivers);

/* Opens the node for QEMU: a descriptor or -errno. */
int usb_node_open(int dev_fd, const char *node);
