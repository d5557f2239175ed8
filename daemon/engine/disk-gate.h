/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the disks that a definition names, one by one, before the first step of its plan: one that is in use,
 * or is not what it should be, refuses the start while nothing has been touched. usher-bind opens them, as
 * usherd may not. */
#pragma once

#include "../core/definition.h"
#include "engine.h"

typedef struct DiskGate DiskGate;

/* fault, borrowed: why the guest must not have them; NULL: it may. The gate may be freed from within. */
typedef void (*DiskGateAnswered)(const Fault *fault, void *userdata);

/* definition is borrowed and must outlive the gate. look: only to see what would come of it, as a dry run
 * does: no image is made, nothing is claimed, and disks are opened for reading alone, as udev looks at each
 * anew that was open for writing. Calls back exactly once, from the loop. */
DiskGate *disk_gate_new(Engine *engine, const GuestDefinition *definition, bool look,
                        DiskGateAnswered answered, void *userdata);
/* Closes what it has opened; no call after it. Claims stay. NULL is fine; returns NULL. */
DiskGate *disk_gate_free(DiskGate *gate);

/* A descriptor of an open disk, or -errno. */
int disk_gate_dup(const DiskGate *gate, const char *path, bool read_only, bool *ret_block);
/* What is claimed, "ID w" or "ID r" a line. */
const char *disk_gate_lines(const DiskGate *gate);
