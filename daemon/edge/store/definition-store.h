/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of guest definitions: NAME.guest and its drop-ins the .conf files in NAME.guest.d/, in the order
 * of their names. Reads and writes texts, and tells when something changes; what they mean is
 * definition_parse()'s. */
#pragma once

#include <systemd/sd-event.h>

#include "../../core/definition/handle.h"

/* The texts of one guest, the file itself first. */
typedef struct DefinitionFiles {
    GArray *texts;    /* of DefinitionText, whose strings are owned here */
    GPtrArray *links; /* of char*: "PATH is a link to PATH", for those that lie elsewhere */
} DefinitionFiles;

typedef struct DefinitionStore DefinitionStore;

/* Something in the folder changed: names may have come or gone, texts may be others. */
typedef void (*DefinitionStoreChanged)(void *userdata);

/* path: "/etc/usher/guests"; need not exist yet (then it is not watched, and has no names). */
int definition_store_new(sd_event *event, const char *path, DefinitionStoreChanged changed, void *userdata,
                         DefinitionStore **ret);
DefinitionStore *definition_store_free(DefinitionStore *store);

/* All that lies in the folder, sorted; a GStrv of the caller's. */
int definition_store_files(DefinitionStore *store, char ***ret);

/* Names that have a file, valid or not as names, sorted; a GStrv of the caller's. */
int definition_store_names(DefinitionStore *store, char ***ret);

/* The path of a guest's file, or of one of its drop-ins; the caller frees it. */
char *definition_store_path(DefinitionStore *store, const char *name, const char *drop_in);

/* -ENOENT if there is no such file; -EFBIG over DEFINITION_SIZE_MAX; FAULT_RAISED for a file that is not
 * safe to read (definition-file.h). Links that lead elsewhere are logged, once. name must be valid. */
int definition_store_load(DefinitionStore *store, const char *name, DefinitionFiles **ret, Fault **ret_fault);

/* Whether some users of the host may not read all of it, by the modes of its files and their folders: so it
 * is for root alone, and for whom polkit names. */
bool definition_store_closed(DefinitionStore *store, const char *name);

/* Replaces or adds a file, in one rename(2); drop_in: "50-more.conf", or NULL for the file itself. It keeps
 * its mode. */
int definition_store_write(DefinitionStore *store, const char *name, const char *drop_in, const char *text);

/* Removes one drop-in; or, if that is NULL, the file and then its drop-ins. -ENOENT if it is not there. What
 * else lies in the drop-ins' folder stays. */
int definition_store_remove(DefinitionStore *store, const char *name, const char *drop_in);

/* Any file with its drop-ins in PATH.d/. -ENOENT if the file itself does not exist, unless it is optional.
 * -EFBIG: together they are longer than DEFINITION_SIZE_MAX; -E2BIG: there are more than
 * DEFINITION_DROP_INS_MAX. FAULT_RAISED for a file that is not safe to read. */
int definition_files_load(const char *path, bool optional, DefinitionFiles **ret, Fault **ret_fault);

/* Why they could not be read, for a person; also for -EFBIG and -E2BIG. */
const char *definition_files_error(int error);

/* The texts as they would be with another text for a path of the same guest, or one more; an empty one takes
 * a drop-in out. */
void definition_files_put(DefinitionFiles *files, const char *path, const char *text);
DefinitionFiles *definition_files_free(DefinitionFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionFiles, definition_files_free)
