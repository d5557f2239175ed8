/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int bind_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_bind_call(client, ret, NULL, "BindDevice", address);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return bus_new_bind_call(client, ret, NULL, "PlanBind", address);
}

int cmd_bind(Client *client, char **args)
{
    static const JobVerb bind = {.name = "bind", .make_call = bind_call};

    if (client->dry_run)
        return steps_print(client, "bind", plan_call, args);
    return job_run(client, &bind, args);
}
