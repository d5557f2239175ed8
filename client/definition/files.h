/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a guest's definition, as usherd reads and writes them: here, or on the host that -H names. */
#pragma once

#include "../bus/bus.h"

typedef struct DefinitionFile {
    char *path, *text;
} DefinitionFile;

/* The file itself first, then its drop-ins; the array owns what is in it. */
int definition_files_get(Client *client, const char *name, GPtrArray **ret);

/* Whether an argument of usherctl's is a file (it has a slash, or ends in ".guest") and no guest's name. */
bool definition_files_named(const char *argument);

/* Reads a file that need not be installed, with the drop-ins in PATH.d/, as definition_files_get() would give
 * them; nobody is asked. ret_name: the guest's name, which is the file's; the caller frees it. */
int definition_files_read(const char *path, char **ret_name, GPtrArray **ret);

/* Has one written, if the whole is right with it; drop_in NULL: the file itself. replaces: the text that it
 * must have now ("": it is not there); NULL: it must be a new guest's. Says when a running guest will heed
 * it. */
int definition_files_put(Client *client, const char *name, const char *text, const char *drop_in,
                         const char *replaces);
