/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds what the host has for guests beside QEMU. */
#pragma once

#include "../../core/qemu/host-tools.h"
#include "virtiofsd-probe.h"

/* Where it is found; all is borrowed. */
typedef struct ToolsPlace {
    const char *state_path; /* "/var/lib/usher/guests": a folder a guest, for what outlives its runs */
    bool systemd;           /* usherd starts guests as its units */
    bool confined; /* usherd starts guests by itself, and is not root: they get no privilege for what runs
                      beside them */
    VirtiofsdProbe *virtiofsd; /* NULL: no share is by virtiofs */
} ToolsPlace;

/* What is not there is not in it. The caller frees it. */
HostTools *tools_find(const ToolsPlace *place);

/* Reads the descriptors in folders (descriptor-list.h). Appends to ret, of Firmware. */
void tools_find_firmware(const char *const *folders, GPtrArray *ret);
