/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../bus/bus.h"
#include "../definition/unit-file.h"
#include "verb.h"

static int undefine_one(Client *client, const char *name, bool systemd)
{
    g_autofree char *what = g_strdup_printf("undefine %s", name);
    char *one[] = {(char *)name, NULL};
    int status = bus_call(client, what, NULL, "UndefineGuest", "sa{sv}", name, 0);

    /* Enabled, the unit would fail at each boot. */
    return status == STATUS_OK && systemd ? unit_file_systemctl(client, "disable", one) : status;
}

int cmd_undefine(Client *client, char **args)
{
    _cleanup_props_ ManagerProps *manager = props_new(&MANAGER_PROPS);
    int status;

    if ((status = bus_open_asking(client)) != STATUS_OK ||
        (status = bus_manager(client, manager)) != STATUS_OK)
        return status;
    for (; *args; args++)
        status = status_worst(status, undefine_one(client, *args, strcmp(manager->launcher, "systemd") == 0));
    return status;
}
