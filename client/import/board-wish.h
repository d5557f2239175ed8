/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a board has beside CPU and memory: its clock, its identity, its sleep, its boot menu. */
#pragma once

#include "wishes.h"

/* What people read of the guest: its first line, unless there is a description. What has no place is left
 * out. */
void wish_description(Wishes *wishes, const char *text, const Node *from);
/* base: "utc", "localtime", a zone, or a date. */
void wish_clock(Wishes *wishes, const char *base, const Node *from);
void wish_hpet(Wishes *wishes, bool on, const Node *from);
/* S3 and S4: 1 on, 0 off, -1 not said. */
void wish_sleep(Wishes *wishes, int s3, int s4, const Node *from);
void wish_uuid(Wishes *wishes, const char *uuid, const Node *from);
void wish_genid(Wishes *wishes, const char *id, const Node *from);
/* A string of SMBIOS: type 0 to 3, and QEMU's name of it ("manufacturer"). */
void wish_smbios(Wishes *wishes, unsigned type, const char *name, const char *value, const Node *from);
void wish_boot_menu(Wishes *wishes, const Node *from);
/* "virtio-keyboard", "virtio-mouse", "virtio-tablet". */
void wish_virtio_input(Wishes *wishes, const char *kind, const Node *from);
void wish_rng(Wishes *wishes, const Node *from);
void wish_acpi_table(Wishes *wishes, const char *path, const Node *from);
/* Looking Glass' memory: /dev/kvmfr0, or a file in /dev/shm, and its size (0: not said). */
void wish_looking_glass(Wishes *wishes, const char *path, guint64 size, const Node *from);
/* A USB device by vendor and product, or by a port; NULL: not said. */
void wish_usb(Wishes *wishes, const char *vendor, const char *product, const char *port, const Node *from);
/* The same by bus and number, which only this host can turn into a name that stays; NULL: not said. */
void wish_usb_numbered(Wishes *wishes, const char *bus, const char *number, const Node *from);
void wish_evdev(Wishes *wishes, const char *device, const char *toggle, const Node *from);
void wish_huge_pages(Wishes *wishes, guint64 size, const Node *from);
