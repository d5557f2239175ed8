/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int attach_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_bind_call(client, ret, client->guest, "Attach", address);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_bind_call(client, ret, client->guest, "PlanAttach", address);
}

int cmd_attach(Client *client, char **args)
{
    static const JobVerb attach = {.name = "attach", .make_call = attach_call};

    client->guest = args[0];
    if (client->dry_run)
        return steps_print(client, "attach", plan_call, args + 1);
    return job_run(client, &attach, args + 1);
}
