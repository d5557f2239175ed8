/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"
#include "steps.h"

static int start_call(Client *client, const char *name, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "StartGuest", "sa{sv}", name, 0);
}

static int plan_call(Client *client, const char *name, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "PlanStart", "s", name);
}

int cmd_start(Client *client, char **args)
{
    static const JobVerb start = {
        .name = "start",
        .already = BUS_ERROR_PREFIX "AlreadyRunning",
        .make_call = start_call,
    };

    if (client->dry_run)
        return steps_print(client, "start", plan_call, args);
    return job_run(client, &start, args);
}
