/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../bus/bus.h"
#include "../screen/table.h"
#include "../view/pager.h"
#include "../view/state.h"
#include "verb.h"

static const TableColumn columns[] = {{.title = "ADDRESS"},
                                      {.title = "GROUP", .right = true},
                                      {.title = "DRIVER"},
                                      {.title = "STATE"},
                                      {.title = "GUEST"},
                                      {.title = "DEVICE", .shrinks = true},
                                      {.title = "HOST NEEDS", .shrinks = true},
                                      {NULL}};

static void add_row(Table *table, const DeviceProps *device)
{
    g_autofree char *label = device_label(device);

    table_cell(table, COLOUR_NORMAL, device->address);
    if (device->group >= 0)
        table_number(table, COLOUR_NORMAL, device->group);
    else
        table_cell(table, COLOUR_NORMAL, "");
    table_cell(table, COLOUR_NORMAL, device->driver);
    table_cell(table, device_colour(device), device->state);
    table_cell(table, COLOUR_NORMAL, device->guest);
    table_cell(table, COLOUR_NORMAL, label);
    table_cell(table, *device->needed_for ? COLOUR_BUSY : COLOUR_NORMAL, device->needed_for);
}

/* The named devices; without names, all but the bridges, which cannot be lent. */
static int choose_devices(const Client *client, GPtrArray *all, char **addresses, GPtrArray *chosen)
{
    int status = STATUS_OK;

    for (char **address = addresses; *address; address++) {
        const DeviceProps *device = devices_find(all, *address);
        if (device)
            g_ptr_array_add(chosen, (void *)device);
        else
            status = devices_report_missing(*address);
    }
    for (guint i = 0; !*addresses && i < all->len; i++) {
        DeviceProps *device = g_ptr_array_index(all, i);
        if (client->all || !device_is_bridge(device))
            g_ptr_array_add(chosen, device);
    }
    return status;
}

static void print_table(const Client *client, const GPtrArray *devices, guint hidden)
{
    g_autoptr(Table) table = table_new(columns);

    for (guint i = 0; i < devices->len; i++)
        add_row(table, g_ptr_array_index(devices, i));
    if (devices->len > 0)
        table_print(table, &client->terminal, client->legend, stdout);
    if (!client->legend)
        return;
    printf("%s%u device%s", devices->len > 0 ? "\n" : "", devices->len, devices->len == 1 ? "" : "s");
    if (hidden > 0)
        printf("; %u bridge%s left out, to see them: --all", hidden, hidden == 1 ? "" : "s");
    puts(".");
}

int cmd_devices(Client *client, char **args)
{
    g_autoptr(GPtrArray) all = NULL, chosen = g_ptr_array_new();
    int status = bus_list(client, "ListDevices", &DEVICE_PROPS, &all);

    if (status != STATUS_OK)
        return status;
    devices_sort(all);
    status = choose_devices(client, all, args, chosen);
    if (client->json != JSON_OFF) {
        json_print(props_list_to_json(chosen), client->json);
        return status;
    }
    pager_open(client);
    if (chosen->len > 0 || !*args)
        print_table(client, chosen, *args ? 0 : all->len - chosen->len);
    return status;
}
