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

/* {"force": b} */
static int read_force(sd_bus_message *message, bool *ret, Fault **ret_fault)
{
    const char *key;
    int force = 0;

    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = sd_bus_message_read(message, "s", &key);
        if (r >= 0 && !g_str_equal(key, "force"))
            return api_raise_option(ret_fault, key, "is not known", "known is force");
        if (r >= 0)
            r = sd_bus_message_read(message, "v", "b", &force);
        if (r == -ENXIO)
            return fault_raise(ret_fault, FAULT_BAD_OPTION, "its value is a boolean",
                               "option force is of the wrong type");
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    if (r < 0)
        return r;
    *ret = force;
    return 0;
}

int api_open_console(Api *api, sd_bus_message *message, const char *name)
{
    Fault *fault = NULL;
    bool force = false;

    int r = read_force(message, &force, &fault);
    return r != 0 ? api_reply_error(message, r, fault)
                  : open_stream(api, message, name, GUEST_STREAM_CONSOLE, force);
}

int api_open_display(Api *api, sd_bus_message *message, const char *name)
{
    return open_stream(api, message, name, GUEST_STREAM_DISPLAY, false);
}
