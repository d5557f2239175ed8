/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int stop_call(Client *client, const char *name, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "StopGuest", "sa{sv}", name, 0);
}

static int plan_call(Client *client, const char *name, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "PlanStop", "s", name);
}

int cmd_stop(Client *client, char **args)
{
    static const JobVerb stop = {
        .name = "stop",
        .already = BUS_ERROR_PREFIX "NotRunning",
        .make_call = stop_call,
    };

    if (client->dry_run)
        return steps_print(client, "stop", plan_call, args);
    return job_run(client, &stop, args);
}
