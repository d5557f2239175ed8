/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../definition/files.h"
#include "../definition/new-definition.h"
#include "verb.h"

int cmd_create(Client *client, char **args)
{
    const char *name = args[0];
    g_autofree char *why = NULL, *text = new_definition_text(name, client->create, &why);

    if (!text) {
        say("%s", why);
        return STATUS_USAGE;
    }
    if (!client->dry_run) {
        int status = definition_files_put(client, name, text, NULL, NULL);
        if (status == STATUS_OK)
            printf("%s is defined; see it: usherctl cat %s\n", name, name);
        return status;
    }
    g_autofree char *what = g_strdup_printf("check the definition of %s", name);
    g_autofree char *path = g_strdup_printf("%s.guest", name);
    int status = bus_call(client, what, NULL, "ValidateDefinition", "sa(ss)", name, 1, path, text);
    fputs(text, stdout);
    return status;
}
