/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../bus/guest-details.h"
#include "../bus/job.h"
#include "../view/steps.h"
#include "verb.h"

static int start_call(Client *client, const char *name, sd_bus_message **ret)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = bus_new_call(client, &call, "StartGuest", "s", name);

    if (status != STATUS_OK)
        return status;
    int r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = bus_append_stop_holders(client, call);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r < 0)
        return bus_report(client, "ask for the guest", NULL, r);
    *ret = g_steal_pointer(&call);
    return STATUS_OK;
}

static int plan_call(Client *client, const char *name, sd_bus_message **ret)
{
    return bus_new_call(client, ret, "PlanStart", "s", name);
}

/* The daemon tells them to those alone who may read the definition, and so not with the job. */
static void say_last_words(Client *client, const char *name)
{
    _cleanup_props_ GuestProps *guest = props_new(&GUEST_PROPS);

    g_free(guest->name);
    guest->name = g_strdup(name);
    guest_details_get(client, guest);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(guest->last_words), "\n", -1);
    if (*lines && **lines)
        say("QEMU's last words (%s):", name);
    for (char **line = lines; *line && **lines; line++)
        say("    %s", *line);
}

int cmd_start(Client *client, char **args)
{
    static const JobVerb start = {
        .name = "start",
        .already = BUS_ERROR_PREFIX "AlreadyRunning",
        .make_call = start_call,
        .failed = say_last_words,
    };

    if (client->dry_run && client->stop_holders) {
        say("A dry run shows who holds the devices, but stops nobody: omit --stop-holders= or "
            "--dry-run");
        return STATUS_USAGE;
    }
    if (client->dry_run)
        return steps_print(client, "start", plan_call, args);
    return job_run(client, &start, args);
}
