/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-call.h"

static int call_one(Client *client, const char *verb, const char *method, const char *name)
{
    g_autofree char *what = g_strdup_printf("%s %s", verb, name);
    g_autofree char *path = NULL;
    int status = bus_guest_path(client, name, &path);

    if (status != STATUS_OK)
        return status;
    return bus_call_object(client, what, NULL, path, BUS_GUEST, method, "");
}

int guest_call_each(Client *client, const char *verb, const char *method, char **names)
{
    int status = bus_open_asking(client);

    if (status != STATUS_OK)
        return status;
    for (; *names; names++)
        status = status_worst(status, call_one(client, verb, method, *names));
    return status;
}
