/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../definition/files.h"
#include "verb.h"

static int validate_file(Client *client, const char *path)
{
    g_autofree char *what = g_strdup_printf("validate %s", path), *name = NULL;
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(sd_bus_message) call = NULL;
    int status, r;

    if ((status = definition_files_read(path, &name, &files)) != STATUS_OK ||
        (status = bus_new_call(client, &call, "ValidateDefinition", "s", name)) != STATUS_OK)
        return status;
    if ((r = sd_bus_message_open_container(call, 'a', "(ss)")) < 0)
        return bus_report(client, what, NULL, r);
    for (unsigned i = 0; i < files->len; i++) {
        const DefinitionFile *file = g_ptr_array_index(files, i);
        if ((r = sd_bus_message_append(call, "(ss)", file->path, file->text)) < 0)
            return bus_report(client, what, NULL, r);
    }
    if ((r = sd_bus_message_close_container(call)) < 0)
        return bus_report(client, what, NULL, r);
    return bus_send(client, what, call, NULL);
}

/* The daemon reads the definition anew, with its drop-ins, and looks at its disks. */
static int validate_guest(Client *client, const char *name)
{
    g_autofree char *what = g_strdup_printf("validate %s", name);
    g_autofree char *path = NULL;
    int status = bus_guest_path(client, name, &path);

    if (status == STATUS_OK)
        status = bus_call_object(client, what, NULL, path, BUS_GUEST, "GetDefinition", "");
    return status == STATUS_OK ? bus_call_object(client, what, NULL, path, BUS_GUEST, "CheckDisks", "")
                               : status;
}

int cmd_validate(Client *client, char **args)
{
    int worst = bus_open_asking(client);

    if (worst != STATUS_OK)
        return worst;
    for (; *args; args++) {
        int status =
            definition_files_named(*args) ? validate_file(client, *args) : validate_guest(client, *args);

        if (status == STATUS_OK)
            printf("%s is valid.\n", *args);
        worst = status_worst(worst, status);
    }
    return worst;
}
