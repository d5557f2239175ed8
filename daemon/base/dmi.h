/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host's firmware says of its machine (Documentation/ABI/testing/sysfs-firmware-dmi-entries; the
 * attributes of drivers/firmware/dmi-id.c in the kernel). */
#pragma once

/* name: "product_name", "board_serial", … The caller frees it. NULL: there is none, or only root may read it,
 * as serial numbers. */
char *dmi_read(const char *name);
