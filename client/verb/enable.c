/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/bus.h"
#include "../definition/unit-file.h"
#include "../view/state.h"
#include "verb.h"

/* The unit of a guest that is not defined would fail at each boot, so only existing guests are enabled. */
int cmd_enable(Client *client, char **args)
{
    g_autoptr(GPtrArray) guests = NULL, chosen = g_ptr_array_new();
    int status = bus_list(client, "ListGuests", &GUEST_PROPS, &guests);

    if (status != STATUS_OK)
        return status;
    for (; *args; args++) {
        if (guests_find(guests, *args))
            g_ptr_array_add(chosen, *args);
        else
            status = guests_report_missing(guests, *args);
    }
    if (chosen->len == 0)
        return status;
    g_ptr_array_add(chosen, NULL);
    return status_worst(status, unit_file_systemctl(client, "enable", (char **)chosen->pdata));
}
