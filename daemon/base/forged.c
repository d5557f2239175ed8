/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "forged.h"

#include <glib.h>

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    return sd_bus_message_is_signal(message, NULL, NULL) > 0 && sd_bus_message_get_destination(message) &&
           g_strcmp0(sd_bus_message_get_sender(message), "org.freedesktop.DBus") != 0;
}

int forged_signals_drop(sd_bus *bus)
{
    int r = sd_bus_add_filter(bus, NULL, on_message, NULL);

    return r < 0 ? r : 0;
}
