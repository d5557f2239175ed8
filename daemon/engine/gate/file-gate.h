/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at everything but devices that a definition names, one by one, and opens its disks, before the first
 * step of its plan. A path that is missing, in use, silent or not what it should be refuses the start while
 * nothing has been touched. usher-bind does the looking (opener.h), as usherd may not. */
#pragma once

#include "../../core/definition/handle.h"
#include "../engine.h"

typedef struct FileGate FileGate;

/* fault, borrowed: why the guest must not have the files; NULL: it may. The gate may be freed from within. */
typedef void (*FileGateAnswered)(const Fault *fault, void *userdata);

typedef enum FileGateHow {
    FILE_GATE_START,
    FILE_GATE_LOOK,  /* only to see the outcome, as a dry run does: makes no image, claims nothing, and opens
                        disks for reading alone, as udev looks anew at each that was open for writing */
    FILE_GATE_DISKS, /* likewise, at disks alone */
} FileGateHow;

/* definition is borrowed and must outlive the gate. section: only what that names; NULL: all. Calls back
 * exactly once, from the loop. */
FileGate *file_gate_new(Engine *engine, const GuestDefinition *definition, FileGateHow how,
                        const char *section, FileGateAnswered answered, void *userdata);
/* For a look, right after file_gate_new(): disks are not claimed even for a moment; only what tells of their
 * users is read (DISK_HOW_ASK). */
void file_gate_take_nothing(FileGate *gate);
/* Closes what it has opened; no call after it. Claims stay. NULL is fine; returns NULL. */
FileGate *file_gate_free(FileGate *gate);

/* A descriptor of an open disk, or -errno. */
int file_gate_dup(const FileGate *gate, const char *path, bool read_only, bool direct, bool *ret_block);
/* What is claimed, "ID w" or "ID r" a line. */
const char *file_gate_lines(const FileGate *gate);
