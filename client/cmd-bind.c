/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"
#include "steps.h"

static int make_call(Client *client, const char *member, const char *address, sd_bus_message **ret)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = bus_new_call(client, &call, member, "s", address);
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = bus_append_bind_options(client, call)) < 0)
        return bus_report(client, "ask for the device", NULL, r);
    *ret = g_steal_pointer(&call);
    return STATUS_OK;
}

static int bind_call(Client *client, const char *address, sd_bus_message **ret)
{
    return make_call(client, "BindDevice", address, ret);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return make_call(client, "PlanBind", address, ret);
}

int cmd_bind(Client *client, char **args)
{
    static const JobVerb bind = {.name = "bind", .make_call = bind_call};

    if (client->dry_run)
        return steps_print(client, "bind", plan_call, args);
    return job_run(client, &bind, args);
}
