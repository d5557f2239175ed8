/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job.h"
#include "steps.h"

static int make_call(Client *client, const char *member, const char *address, sd_bus_message **ret)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = bus_new_guest_call(client, &call, client->guest, member, "s", address);
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = bus_append_bind_options(client, call)) < 0)
        return bus_report(client, "ask for the device", NULL, r);
    *ret = g_steal_pointer(&call);
    return STATUS_OK;
}

static int attach_call(Client *client, const char *address, sd_bus_message **ret)
{
    return make_call(client, "Attach", address, ret);
}

static int plan_call(Client *client, const char *address, sd_bus_message **ret)
{
    return make_call(client, "PlanAttach", address, ret);
}

int cmd_attach(Client *client, char **args)
{
    static const JobVerb attach = {.name = "attach", .make_call = attach_call};

    client->guest = args[0];
    if (client->dry_run)
        return steps_print(client, "attach", plan_call, args + 1);
    return job_run(client, &attach, args + 1);
}
