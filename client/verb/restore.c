/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int restore_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "RestoreDevice", "sa{sv}", address, 0);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "PlanRestore", "s", address);
}

int cmd_restore(Client *client, char **args)
{
    static const JobVerb restore = {.name = "restore", .make_call = restore_call};

    if (client->dry_run)
        return steps_print(client, "restore", plan_call, args);
    return job_run(client, &restore, args);
}
