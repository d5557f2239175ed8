/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds what the host has for guests beside QEMU. */
#pragma once

#include "../../core/qemu/host-tools.h"

/* state_path: "/var/lib/usher/guests"; confined: usherd starts guests by itself, and is not root. What is not
 * there is not in it. */
HostTools *tools_find(const char *state_path, bool confined);

/* Reads the descriptors in folders (NULL-terminated), the one that counts most first: a file there takes the
 * place of those by the same name in the others, and hides them if it is empty (docs/interop/firmware.json of
 * QEMU's). Appends to ret, of Firmware. */
void tools_find_firmware(const char *const *folders, GPtrArray *ret);
