/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../bus/bus.h"
#include "config.h"
#include "verb.h"

/* Without starting the daemon: asking for a version must not change the host. */
static int read_manager(Client *client, ManagerProps *manager)
{
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;
    int r;

    if ((r = sd_bus_message_new_method_call(client->bus, &call, BUS_NAME, BUS_ROOT,
                                            "org.freedesktop.DBus.Properties", "GetAll")) < 0 ||
        (r = sd_bus_message_append(call, "s", BUS_MANAGER)) < 0 ||
        (r = sd_bus_message_set_auto_start(call, false)) < 0 ||
        (r = sd_bus_call(client->bus, call, 0, NULL, &reply)) < 0)
        return r;
    return props_read(reply, manager);
}

int cmd_version(Client *client, char **args)
{
    _cleanup_props_ ManagerProps *manager = props_new(&MANAGER_PROPS);
    bool there;

    puts("usherctl " USHER_VERSION);
    fflush(stdout);
    if (bus_open(client) != STATUS_OK)
        return STATUS_FAILED;
    there = read_manager(client, manager) >= 0;
    if (there)
        printf("usherd %s (launcher: %s)\n", manager->version, manager->launcher);
    else
        puts("usherd is not running");
    return STATUS_OK;
}
