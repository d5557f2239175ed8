/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of guest definitions: NAME.guest and its drop-ins the .conf files in NAME.guest.d/, in the order
 * of their names. Reads texts and tells when something changes; what they mean is definition_parse()'s. */
#pragma once

#include <systemd/sd-event.h>

#include "../core/definition.h"

#define DEFINITION_SIZE_MAX (1024 * 1024)

/* The texts of one guest, the file itself first. */
typedef struct DefinitionFiles {
    GArray *texts; /* of DefinitionText, whose strings are owned here */
} DefinitionFiles;

typedef struct DefinitionStore DefinitionStore;

/* Something in the folder changed: names may have come or gone, texts may be others. */
typedef void (*DefinitionStoreChanged)(void *userdata);

/* path: "/etc/usher/guests"; need not exist yet (then it is not watched, and has no names). */
int definition_store_new(sd_event *event, const char *path, DefinitionStoreChanged changed, void *userdata,
                         DefinitionStore **ret);
DefinitionStore *definition_store_free(DefinitionStore *store);

/* Names that have a file, valid or not as names, sorted; a GStrv of the caller's. */
int definition_store_names(DefinitionStore *store, char ***ret);

/* -ENOENT if there is no such file; -EFBIG over DEFINITION_SIZE_MAX. name must be valid. */
int definition_store_load(DefinitionStore *store, const char *name, DefinitionFiles **ret);

/* Any file with its drop-ins in PATH.d/. -ENOENT if the file itself is not there, unless it is optional. */
int definition_files_load(const char *path, bool optional, DefinitionFiles **ret);
DefinitionFiles *definition_files_free(DefinitionFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionFiles, definition_files_free)
