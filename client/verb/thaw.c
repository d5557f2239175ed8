/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/guest-call.h"
#include "verb.h"

int cmd_thaw(Client *client, char **args)
{
    return guest_call_each(client, "thaw", "Thaw", args);
}
