/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "skipped.h"

#include "../bus/bus.h"
#include "../screen/text.h"

static void tell(const char *file, const char *why, const char *remedy)
{
    g_autofree char *line = g_strdup_printf("%s is left out: %s; %s", file, why, remedy);
    g_autofree char *shown = text_printable(line, false);

    say("%s", shown);
}

void skipped_tell(Client *client)
{
    const char *file, *why, *remedy;
    g_autoptr(sd_bus_message) reply = NULL;

    if (sd_bus_call_method(client->bus, BUS_NAME, BUS_ROOT, BUS_MANAGER, "ListSkipped", NULL, &reply, "") <
            0 ||
        sd_bus_message_enter_container(reply, 'a', "(sss)") < 0)
        return;
    while (sd_bus_message_read(reply, "(sss)", &file, &why, &remedy) > 0)
        tell(file, why, remedy);
}
