/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../bus/bus.h"
#include "../screen/text.h"
#include "../view/pager.h"
#include "../view/state.h"
#include "verb.h"

/* One effective assignment. */
typedef struct Line {
    const char *section, *key, *value, *file;
    uint32_t number;
} Line;

/* The output can be read back as a definition. Origins have lines of their own, as a comment after a value
 * would be part of the value. */
static void print_line(const Client *client, const char *section_before, const Line *line)
{
    const char *dim = terminal_colour(&client->terminal, COLOUR_DIM);
    const char *bold = terminal_colour(&client->terminal, COLOUR_BOLD);
    const char *normal = terminal_colour(&client->terminal, COLOUR_NORMAL);
    g_autofree char *value = text_printable(line->value, false);

    if (strcmp(section_before, line->section) != 0)
        printf("%s%s[%s]%s\n", *section_before ? "\n" : "", bold, line->section, normal);
    printf("%s# %s:%u%s\n%s=%s\n", dim, line->file, line->number, normal, line->key, value);
}

static void add_line(json_object *array, const char *guest, const Line *line)
{
    json_object *object = json_strings("guest", guest, "section", line->section, "key", line->key, "value",
                                       line->value, "file", line->file, NULL);

    json_object_object_add(object, "line", json_object_new_int64(line->number));
    json_object_array_add(array, object);
}

/* Reads an a(ssssu) into the array, or prints it if there is none. */
static int show_lines(const Client *client, sd_bus_message *reply, const char *guest, json_object *array)
{
    const char *section = "";
    Line line;
    int r = sd_bus_message_enter_container(reply, 'a', "(ssssu)");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(reply, "(ssssu)", &line.section, &line.key, &line.value, &line.file,
                                    &line.number)) > 0) {
        if (array)
            add_line(array, guest, &line);
        else
            print_line(client, section, &line);
        section = line.section;
    }
    return r;
}

static int show_one(Client *client, const char *name, json_object *array)
{
    g_autofree char *what = g_strdup_printf("show %s", name);
    g_autoptr(sd_bus_message) reply = NULL;
    g_autofree char *path = NULL;
    int status, r;

    if ((status = bus_guest_path(client, name, &path)) != STATUS_OK ||
        (status = bus_call_object(client, what, &reply, path, BUS_GUEST, "GetDefinition", "")) != STATUS_OK)
        return status;
    r = show_lines(client, reply, name, array);
    return r < 0 ? bus_report(client, what, NULL, r) : STATUS_OK;
}

/* The line to paste into a [PCI] section. */
static int show_fingerprint(const DeviceProps *device, json_object *array)
{
    if (!array)
        printf("Fingerprint=%s\n", device->fingerprint);
    else
        json_object_array_add(
            array, json_strings("address", device->address, "fingerprint", device->fingerprint, NULL));
    return STATUS_OK;
}

static int show_fingerprints(Client *client, char **addresses)
{
    g_autoptr(GPtrArray) devices = NULL;
    json_object *array = NULL;
    int status = bus_list(client, "ListDevices", &DEVICE_PROPS, &devices);

    if (status != STATUS_OK)
        return status;
    if (client->json != JSON_OFF)
        array = json_object_new_array();
    for (; *addresses; addresses++) {
        const DeviceProps *device = devices_find(devices, *addresses);
        status = status_worst(status,
                              device ? show_fingerprint(device, array) : devices_report_missing(*addresses));
    }
    json_print_gathered(array, client->json, status == STATUS_OK);
    return status;
}

int cmd_show(Client *client, char **args)
{
    json_object *array;
    int status;

    if (client->command)
        return show_command(client, args);
    if ((status = bus_open_asking(client)) != STATUS_OK)
        return status;
    if (client->fingerprint)
        return show_fingerprints(client, args);
    array = client->json == JSON_OFF ? NULL : json_object_new_array();
    pager_open(client);
    for (char **name = args; *name; name++) {
        if (name > args && !array)
            putchar('\n');
        status = status_worst(status, show_one(client, *name, array));
    }
    json_print_gathered(array, client->json, status == STATUS_OK);
    return status;
}
