/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../bus/bus.h"
#include "../bus/guest-details.h"
#include "../screen/table.h"
#include "../view/pager.h"
#include "../view/skipped.h"
#include "../view/state.h"
#include "verb.h"

static const TableColumn columns[] = {{.title = "NAME"},
                                      {.title = "STATE"},
                                      {.title = "PID", .right = true},
                                      {.title = "DEVICES", .shrinks = true},
                                      {.title = "DESCRIPTION", .shrinks = true},
                                      {NULL}};

static void add_row(Table *table, const GuestProps *guest)
{
    g_autofree char *devices = g_strjoinv(",", guest->devices);

    table_cell(table, COLOUR_NORMAL, guest->name);
    table_cell(table, guest_colour(guest), *guest->definition_error ? "invalid" : guest->state);
    if (guest->pid > 0)
        table_number(table, COLOUR_NORMAL, guest->pid);
    else
        table_cell(table, COLOUR_NORMAL, "");
    table_cell(table, COLOUR_NORMAL, devices);
    if (*guest->definition_error)
        table_cell(table, COLOUR_BAD, guest->definition_error);
    else
        table_cell(table, COLOUR_NORMAL, guest->description);
}

int cmd_list(Client *client, char **args)
{
    g_autoptr(GPtrArray) guests = NULL;
    g_autoptr(Table) table = NULL;
    int status = bus_list(client, "ListGuests", &GUEST_PROPS, &guests);

    if (status != STATUS_OK)
        return status;
    skipped_tell(client);
    if (client->json != JSON_OFF) {
        for (guint i = 0; i < guests->len; i++)
            guest_details_get(client, g_ptr_array_index(guests, i));
        json_print(props_list_to_json(guests), client->json);
        return STATUS_OK;
    }
    table = table_new(columns);
    for (guint i = 0; i < guests->len; i++)
        add_row(table, g_ptr_array_index(guests, i));
    pager_open(client);
    if (guests->len > 0)
        table_print(table, &client->terminal, client->legend, stdout);
    if (client->legend)
        printf("%s%u guest%s.\n", guests->len > 0 ? "\n" : "", guests->len, guests->len == 1 ? "" : "s");
    return STATUS_OK;
}
