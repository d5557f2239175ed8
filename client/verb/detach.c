/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int detach_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_guest_call(client, ret, client->guest, "Detach", "sa{sv}", address, 0);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_guest_call(client, ret, client->guest, "PlanDetach", "s", address);
}

int cmd_detach(Client *client, char **args)
{
    static const JobVerb detach = {.name = "detach", .make_call = detach_call};

    client->guest = args[0];
    if (client->dry_run)
        return steps_print(client, "detach", plan_call, args + 1);
    return job_run(client, &detach, args + 1);
}
