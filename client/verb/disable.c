/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../definition/unit-file.h"
#include "verb.h"

/* Does not ask the daemon: the unit of a guest that is no longer defined must be disabled as well. */
int cmd_disable(Client *client, char **args)
{
    for (char **name = args; *name; name++) {
        if (strspn(*name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(*name) || !**name) {
            say("%s is not the name of a guest; see which there are: usherctl list", *name);
            return STATUS_NO_SUCH;
        }
    }
    return unit_file_systemctl(client, "disable", args);
}
