/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../bus/bus.h"
#include "../screen/table.h"
#include "../view/pager.h"
#include "verb.h"

static const TableColumn columns[] = {{.title = "DEVICE"},
                                      {.title = "KIND"},
                                      {.title = "WHAT", .shrinks = true},
                                      {.title = "PID", .right = true},
                                      {.title = "COMMAND"},
                                      {.title = "UNIT", .shrinks = true},
                                      {.title = "SESSION"},
                                      {.title = "NEEDED"},
                                      {NULL}};

/* One of a(sssusssb). */
typedef struct HolderRow {
    const char *kind, *device, *what, *command, *unit, *session;
    uint32_t pid;
    int needed;
} HolderRow;

static json_object *row_to_json(const HolderRow *row)
{
    json_object *object = json_strings("kind", row->kind, "device", row->device, "what", row->what, NULL);

    json_object_object_add(object, "pid", json_object_new_int64(row->pid));
    json_object_object_add(object, "command", json_object_new_string(row->command));
    json_object_object_add(object, "unit", json_object_new_string(row->unit));
    json_object_object_add(object, "session", json_object_new_string(row->session));
    json_object_object_add(object, "needed", json_object_new_boolean(row->needed));
    return object;
}

static void add_row(Table *table, const HolderRow *row)
{
    Colour colour = row->needed ? COLOUR_BAD : COLOUR_NORMAL;

    table_cell(table, COLOUR_NORMAL, row->device);
    table_cell(table, COLOUR_NORMAL, row->kind);
    table_cell(table, COLOUR_BOLD, row->what);
    if (row->pid > 0)
        table_number(table, COLOUR_NORMAL, row->pid);
    else
        table_cell(table, COLOUR_NORMAL, "");
    table_cell(table, COLOUR_NORMAL, row->command);
    table_cell(table, COLOUR_NORMAL, row->unit);
    table_cell(table, COLOUR_NORMAL, row->session);
    table_cell(table, colour, row->needed ? "yes" : "no");
}

/* Adds an a(sssusssb) to the table or, if there is one, to the JSON array. */
static int read_holders(sd_bus_message *reply, Table *table, json_object *array)
{
    HolderRow row;
    int r = sd_bus_message_enter_container(reply, 'a', "(sssusssb)");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(reply, "(sssusssb)", &row.kind, &row.device, &row.what, &row.pid,
                                    &row.command, &row.unit, &row.session, &row.needed)) > 0) {
        if (array)
            json_object_array_add(array, row_to_json(&row));
        else
            add_row(table, &row);
    }
    return r;
}

static int list_one(Client *client, const char *address, Table *table, json_object *array)
{
    g_autofree char *what = g_strdup_printf("find out who uses %s", address);
    g_autoptr(sd_bus_message) reply = NULL;
    int status = bus_call(client, what, &reply, "ListHolders", "s", address), r;

    if (status != STATUS_OK)
        return status;
    r = read_holders(reply, table, array);
    return r < 0 ? bus_report(client, what, NULL, r) : STATUS_OK;
}

int cmd_holders(Client *client, char **args)
{
    g_autoptr(Table) table = table_new(columns);
    json_object *array = client->json == JSON_OFF ? NULL : json_object_new_array();
    int status = STATUS_OK;

    for (char **address = args; *address; address++)
        status = status_worst(status, list_one(client, *address, table, array));
    if (array) {
        json_print_gathered(array, client->json, status == STATUS_OK);
        return status;
    }
    pager_open(client);
    if (table_rows(table) > 0)
        table_print(table, &client->terminal, client->legend, stdout);
    else if (status == STATUS_OK && client->legend)
        puts("Nobody uses it.");
    return status;
}
