/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/guest-call.h"
#include "verb.h"

static int clear_each(Client *client, char **addresses)
{
    int status = bus_open_asking(client);

    if (status != STATUS_OK)
        return status;
    for (; *addresses; addresses++) {
        g_autofree char *what = g_strdup_printf("release %s from quarantine", *addresses);
        status = status_worst(status, bus_call(client, what, NULL, "ClearQuarantine", "s", *addresses));
    }
    return status;
}

int cmd_reset(Client *client, char **args)
{
    return client->clear ? clear_each(client, args) : guest_call_each(client, "reset", "Reset", args);
}
