/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at all that a definition names besides devices, one by one, and opens its disks, before the first
 * step of its plan: what is not there, is in use, does not answer, or is not what it should be refuses the
 * start while nothing has been touched. usher-bind does it (opener.h), as usherd may not. */
#pragma once

#include "../../core/definition/handle.h"
#include "../engine.h"

typedef struct FileGate FileGate;

/* fault, borrowed: why the guest must not have them; NULL: it may. The gate may be freed from within. */
typedef void (*FileGateAnswered)(const Fault *fault, void *userdata);

typedef enum FileGateHow {
    FILE_GATE_START,
    FILE_GATE_LOOK,  /* only to see what would come of it, as a dry run does: no image is made, nothing is
                        claimed, and disks  are opened for reading alone, as udev looks at each anew that was
                        open for writing */
    FILE_GATE_DISKS, /* likewise, at disks alone */
} FileGateHow;

/* definition is borrowed and must outlive the gate. section: only what that names; NULL: all. Calls back
 * exactly once, from the loop. */
FileGate *file_gate_new(Engine *engine, const GuestDefinition *definition, FileGateHow how,
                        const char *section, FileGateAnswered answered, void *userdata);
/* Of a look, right after it was made: disks are not claimed, not for a moment, but only what tells of their
 * users is read (DISK_HOW_ASK). */
void file_gate_take_nothing(FileGate *gate);
/* Closes what it has opened; no call after it. Claims stay. NULL is fine; returns NULL. */
FileGate *file_gate_free(FileGate *gate);

/* A descriptor of an open disk, or -errno. */
int file_gate_dup(const FileGate *gate, const char *path, bool read_only, bool direct, bool *ret_block);
/* What is claimed, "ID w" or "ID r" a line. */
const char *file_gate_lines(const FileGate *gate);
