/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-call.h"

int cmd_reset(Client *client, char **args)
{
    return guest_call_each(client, "reset", "Reset", args);
}
