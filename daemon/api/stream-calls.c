/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's methods that return descriptors. */
#include "../base/cleanup.h"
#include "api-private.h"

static void on_opened(int fd, const Fault *fault, void *userdata)
{
    sd_bus_message *message = userdata;

    if (fault)
        api_reply_error(message, FAULT_RAISED, fault_copy(fault));
    else
        sd_bus_reply_method_return(message, "h", fd);
    close_fd(fd);
    sd_bus_message_unref(message);
}

static int open_stream(Api *api, sd_bus_message *message, const char *name, GuestStream stream, bool force)
{
    Fault *fault = NULL;

    int r = manager_open(api->manager, name, stream, force, on_opened, sd_bus_message_ref(message), &fault);
    return api_reply_later(message, r, fault);
}

int api_open_console(Api *api, sd_bus_message *message, const char *name)
{
    Fault *fault = NULL;
    bool force = false;

    int r = api_read_force_option(message, &force, &fault);
    return r != 0 ? api_reply_error(message, r, fault)
                  : open_stream(api, message, name, GUEST_STREAM_CONSOLE, force);
}

int api_open_display(Api *api, sd_bus_message *message, const char *name)
{
    return open_stream(api, message, name, GUEST_STREAM_DISPLAY, false);
}
