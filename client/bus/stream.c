/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>

/* Calls a method that replies with a descriptor; call is consumed. */
static int take_descriptor(Client *client, const char *what, sd_bus_message *call, int *ret)
{
    g_autoptr(sd_bus_message) reply = NULL;
    int fd, r;

    int status = bus_send(client, what, call, &reply);
    if (status != STATUS_OK)
        return status;
    if ((r = sd_bus_message_read(reply, "h", &fd)) < 0)
        return bus_report(client, what, NULL, r);
    /* The message closes its own descriptor, so this is a copy. */
    *ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return *ret < 0 ? bus_report(client, what, NULL, -errno) : STATUS_OK;
}

static int open_stream(Client *client, const char *verb, const char *name, const char *member, int *ret)
{
    g_autofree char *what = g_strdup_printf("open the %s of %s", verb, name), *path = NULL;
    g_autoptr(sd_bus_message) call = NULL;
    bool console = g_str_equal(member, "OpenConsole");
    int status, r;

    if ((status = bus_open_asking(client)) != STATUS_OK ||
        (status = bus_guest_path(client, name, &path)) != STATUS_OK)
        return status;
    if ((r = sd_bus_message_new_method_call(client->bus, &call, BUS_NAME, path, BUS_GUEST, member)) >= 0 &&
        console)
        r = client->force ? sd_bus_message_append(call, "a{sv}", 1, "force", "b", 1)
                          : sd_bus_message_append(call, "a{sv}", 0);
    return r < 0 ? bus_report(client, what, NULL, r) : take_descriptor(client, what, call, ret);
}

int stream_open_console(Client *client, const char *name, int *ret)
{
    if (client->host) {
        say("The bus of another host cannot carry a console; try: ssh -t %s usherctl console %s",
            client->host, name);
        return STATUS_USAGE;
    }
    return open_stream(client, "console", name, "OpenConsole", ret);
}

int stream_open_display(Client *client, const char *name, int *ret)
{
    if (client->host) {
        say("The bus of another host cannot carry a display; try: ssh -Y %s usherctl view %s", client->host,
            name);
        return STATUS_USAGE;
    }
    return open_stream(client, "display", name, "OpenDisplay", ret);
}
