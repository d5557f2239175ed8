/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a guest's definition, as usherd reads and writes them: here, or on the host that -H names. */
#pragma once

#include "../bus/bus.h"

typedef struct DefinitionFile {
    char *path, *text;
} DefinitionFile;

/* The file itself first, then its drop-ins; the array owns what is in it. */
int definition_files_get(Client *client, const char *name, GPtrArray **ret);

/* Has one written, if the whole is right with it; drop_in NULL: the file itself. replaces: the text that it
 * must have now ("": it is not there); NULL: it must be a new guest's. Says when a running guest will heed
 * it. */
int definition_files_put(Client *client, const char *name, const char *text, const char *drop_in,
                         const char *replaces);
