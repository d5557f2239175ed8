/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a new guest's definition, from what the command line of `usherctl create` says. Whether the
 * values are right is the daemon's to judge: it reads the text. */
#pragma once

#include <stdbool.h>

typedef struct NewDefinition {
    const char *description, *memory, *cpus, *network, *display; /* NULL: not said */
    char **gpus, **disks, **cdroms;                              /* NULL: none */
    bool uefi;
} NewDefinition;

/* Whether anything was said. */
bool new_definition_said(const NewDefinition *definition);

/* NULL if a value cannot be part of a definition; *ret_why then names it and the reason. The caller frees
 * either. */
char *new_definition_text(const char *name, const NewDefinition *definition, char **ret_why);
