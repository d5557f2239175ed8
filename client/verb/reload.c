/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/bus.h"
#include "../view/skipped.h"
#include "verb.h"

int cmd_reload(Client *client, char **args)
{
    int status = bus_open_asking(client);

    if (status != STATUS_OK)
        return status;
    status = bus_call(client, "read the definitions again", NULL, "Reload", "");
    if (status == STATUS_OK)
        skipped_tell(client);
    return status;
}
