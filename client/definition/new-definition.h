/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a new guest's definition, from what the command line of `usherctl create` says. Whether the
 * values are right is the daemon's to judge: it reads the text. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "core-choice.h"
#include "preset.h"

typedef struct NewDefinition {
    const char *preset;                                          /* as named; NULL: not said */
    const char *description, *memory, *cpus, *network, *display; /* NULL: not said */
    char **gpus, **disks, **cdroms;                              /* NULL: none */
    bool uefi;
    /* Found on the host, for the text alone. */
    const Preset *kind;     /* of preset; NULL: none */
    const GPtrArray *cards; /* of NewDevice: gpus, and what belongs to them; NULL: none */
    const char *drivers_cd; /* an image of virtio's drivers for Windows; NULL: none */
    CoreChoice cores;       /* to be pinned to */
    bool topoext;           /* the host's CPU shows a guest its threads by that feature alone */
} NewDefinition;

/* Whether anything was said. */
bool new_definition_said(const NewDefinition *definition);

/* NULL if a value cannot be part of a definition; *ret_why then names it and the reason. The caller frees
 * either. */
char *new_definition_text(const char *name, const NewDefinition *definition, char **ret_why);
