/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens everything but devices that a definition names, one by one, before the first step of its plan, and
 * has the descriptors until QEMU gets them: what was judged is what QEMU gets, whatever becomes of its name
 * meanwhile. A path that is missing, in use, silent or not what it should be refuses the start while nothing
 * has been touched. usher-bind does the opening (opener.h), as usherd may not. */
#pragma once

#include "../../core/definition/disk-geometry.h"
#include "../../core/definition/handle.h"
#include "../../core/plan/file-wish.h"
#include "../engine.h"

typedef struct FileGate FileGate;

/* fault, borrowed: why the guest must not have the files; NULL: it may. The gate may be freed from within. */
typedef void (*FileGateAnswered)(const Fault *fault, void *userdata);

typedef enum FileGateHow {
    FILE_GATE_START,
    FILE_GATE_LOOK, /* only to see the outcome, as a dry run does: keeps nothing, makes no image, claims no
                       file for the guest, and opens disks for reading alone, as udev looks anew at each that
                       was open for writing */
    FILE_GATE_ASK,  /* likewise, where disks must not be claimed even for a moment (DISK_HOW_ASK) */
} FileGateHow;

/* files, taken over: what of the definition is to be opened (file_wishes() and its like). definition is
 * borrowed and must outlive the gate. Calls back exactly once, from the loop. */
FileGate *file_gate_new(Engine *engine, const GuestDefinition *definition, GPtrArray *files, FileGateHow how,
                        FileGateAnswered answered, void *userdata);
/* Closes what it has opened; no call after it. Claims stay. NULL is fine; returns NULL. */
FileGate *file_gate_free(FileGate *gate);

/* A descriptor of what was opened, the caller's; -ENOENT: nothing of the kind was opened by that name; or
 * -errno. What was opened more than once is handed out once each. */
int file_gate_dup(FileGate *gate, FileKind kind, const char *path);
/* Likewise of a disk. */
int file_gate_dup_disk(const FileGate *gate, const char *path, bool read_only, bool direct, bool *ret_block,
                       DiskGeometry *ret_geometry);
/* The bytes of Looking Glass's device; 0: there is none. */
uint64_t file_gate_memory(const FileGate *gate);
/* Of char*: the sections ("CDROM install") that the guest starts without. Borrowed. */
const GPtrArray *file_gate_absent(const FileGate *gate);
/* What of each is missing, in words. Borrowed. */
const GPtrArray *file_gate_lacks(const FileGate *gate);
/* What is claimed, "ID w" or "ID r" a line. */
const char *file_gate_lines(const FileGate *gate);
