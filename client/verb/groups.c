/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "../bus/bus.h"
#include "../screen/text.h"
#include "../view/pager.h"
#include "../view/state.h"
#include "verb.h"

static int compare_groups(const void *a, const void *b)
{
    const DeviceProps *first = *(const DeviceProps *const *)a, *second = *(const DeviceProps *const *)b;

    /* Devices without a group (-1) come last. */
    uint32_t one = (uint32_t)first->group, other = (uint32_t)second->group;
    if (one != other)
        return one < other ? -1 : 1;
    return g_strcmp0(first->address, second->address);
}

static void print_heading(const Terminal *terminal, int group)
{
    const char *bold = terminal_colour(terminal, COLOUR_BOLD),
               *normal = terminal_colour(terminal, COLOUR_NORMAL);

    if (group >= 0)
        printf("%sGroup %d%s\n", bold, group, normal);
    else
        printf("%sWithout a group%s\n", bold, normal);
}

/* "├─0000:01:00.0 VGA compatible controller: AMD Rage 128 [radeon] guest win10" */
static void print_device(const Terminal *terminal, const DeviceProps *device, bool last)
{
    g_autofree char *label = device_label(device);
    g_autofree char *printable = text_printable(label, false);
    const char *colour = terminal_colour(terminal, device_colour(device));

    printf("%s%s %s", terminal_glyph(terminal, last ? GLYPH_LAST : GLYPH_BRANCH), device->address, printable);
    if (*device->driver)
        printf(" [%s]", device->driver);
    printf(" %s%s%s%s%s\n", colour, device->state, *device->guest ? " " : "", device->guest,
           terminal_colour(terminal, COLOUR_NORMAL));
}

static void print_tree(const Client *client, const GPtrArray *devices)
{
    for (guint i = 0; i < devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(devices, i);
        const DeviceProps *before = i > 0 ? g_ptr_array_index(devices, i - 1) : NULL;
        const DeviceProps *after = i + 1 < devices->len ? g_ptr_array_index(devices, i + 1) : NULL;

        if (!before || before->group != device->group)
            print_heading(&client->terminal, device->group);
        print_device(&client->terminal, device, !after || after->group != device->group);
    }
}

/* One object for each group: its number and the addresses in it. */
static json_object *groups_to_json(const GPtrArray *devices)
{
    json_object *groups = json_object_new_array(), *addresses = NULL;

    for (guint i = 0; i < devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(devices, i);
        const DeviceProps *before = i > 0 ? g_ptr_array_index(devices, i - 1) : NULL;

        if (!before || before->group != device->group) {
            json_object *group = json_object_new_object();
            addresses = json_object_new_array();
            json_object_object_add(group, "group", json_object_new_int(device->group));
            json_object_object_add(group, "devices", addresses);
            json_object_array_add(groups, group);
        }
        json_object_array_add(addresses, json_object_new_string(device->address));
    }
    return groups;
}

int cmd_groups(Client *client, char **args)
{
    g_autoptr(GPtrArray) devices = NULL;
    int status = bus_list(client, "ListDevices", &DEVICE_PROPS, &devices);

    if (status != STATUS_OK)
        return status;
    devices_sort(devices);
    g_ptr_array_sort(devices, compare_groups);
    if (client->json != JSON_OFF) {
        json_print(groups_to_json(devices), client->json);
        return STATUS_OK;
    }
    pager_open(client);
    print_tree(client, devices);
    return STATUS_OK;
}
