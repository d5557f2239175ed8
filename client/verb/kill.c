/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "verb.h"

static int kill_call(Client *client, const char *name, sd_bus_message **ret)
{
    g_autofree char *path = NULL;
    int status = bus_guest_path(client, name, &path);
    int r;

    if (status != STATUS_OK)
        return status;
    r = sd_bus_message_new_method_call(client->bus, ret, BUS_NAME, path, BUS_GUEST, "Kill");
    return r < 0 ? bus_report(client, "kill the guest", NULL, r) : STATUS_OK;
}

int cmd_kill(Client *client, char **args)
{
    static const JobVerb kill_verb = {.name = "kill", .make_call = kill_call};

    return job_run(client, &kill_verb, args);
}
