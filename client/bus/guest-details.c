/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-details.h"

void guest_details_get(Client *client, GuestProps *guest)
{
    __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) call = NULL, reply = NULL;

    /* A refusal is no error: then there is less to show. */
    if (bus_new_guest_call(client, &call, guest->name, "GetDetails", "") == STATUS_OK &&
        sd_bus_call(client->bus, call, 0, &error, &reply) >= 0)
        props_read(reply, guest);
}
