/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../definition/files.h"
#include "../screen/text.h"
#include "../view/pager.h"
#include "verb.h"

static void print_file(const Client *client, const DefinitionFile *file)
{
    g_autofree char *text = text_printable(file->text, true);

    printf("%s# %s%s\n%s%s", terminal_colour(&client->terminal, COLOUR_DIM), file->path,
           terminal_colour(&client->terminal, COLOUR_NORMAL), text, g_str_has_suffix(text, "\n") ? "" : "\n");
}

int cmd_cat(Client *client, char **args)
{
    int status = bus_open_asking(client);

    if (status != STATUS_OK)
        return status;
    pager_open(client);
    for (char **name = args; *name; name++) {
        g_autoptr(GPtrArray) files = NULL;
        int read = definition_files_get(client, *name, &files);

        status = status_worst(status, read);
        for (unsigned i = 0; read == STATUS_OK && i < files->len; i++) {
            if (i > 0 || name > args)
                putchar('\n');
            print_file(client, g_ptr_array_index(files, i));
        }
    }
    return status;
}
