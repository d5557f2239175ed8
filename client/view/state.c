/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include <string.h>

#include "../bus/client.h"
#include "../screen/text.h"

static bool in(const char *state, const char *const *states)
{
    return g_strv_contains(states, state);
}

bool guest_runs(const GuestProps *guest)
{
    static const char *const live[] = {"running", "paused", "stopping", "unresponsive", NULL};

    return in(guest->state, live);
}

bool guest_ails(const GuestProps *guest)
{
    return strcmp(guest->state, "failed") == 0 || *guest->definition_error;
}

Colour guest_colour(const GuestProps *guest)
{
    if (strcmp(guest->state, "running") == 0)
        return COLOUR_GOOD;
    if (strcmp(guest->state, "unresponsive") == 0 || guest_ails(guest))
        return COLOUR_BAD;
    return strcmp(guest->state, "stopped") == 0 ? COLOUR_NORMAL : COLOUR_BUSY;
}

Glyph guest_glyph(const GuestProps *guest)
{
    if (guest_runs(guest))
        return GLYPH_FULL;
    if (guest_ails(guest))
        return GLYPH_CROSS;
    return strcmp(guest->state, "stopped") == 0 ? GLYPH_EMPTY : GLYPH_FULL;
}

char *guest_state_text(const GuestProps *guest)
{
    if (*guest->sub_state)
        return g_strdup_printf("%s (%s)", guest->state, guest->sub_state);
    return g_strdup(guest->state);
}

bool device_is_bridge(const DeviceProps *device)
{
    return strcmp(device->state, "bridge") == 0;
}

bool device_ails(const DeviceProps *device)
{
    static const char *const bad[] = {"stuck", "drift", "dead", NULL};

    return in(device->state, bad);
}

Colour device_colour(const DeviceProps *device)
{
    static const char *const lent[] = {"guest", "bound", NULL};

    if (device_ails(device))
        return COLOUR_BAD;
    if (in(device->state, lent))
        return COLOUR_GOOD;
    return device_is_bridge(device) ? COLOUR_DIM : COLOUR_NORMAL;
}

char *device_label(const DeviceProps *device)
{
    const char *class = *device->class ? device->class : device->class_id;

    if (!*device->vendor && !*device->model)
        return g_strdup_printf("%s: %s", class, device->id);
    return g_strdup_printf("%s: %s%s%s", class, device->vendor, *device->vendor && *device->model ? " " : "",
                           device->model);
}

static int compare_addresses(const void *a, const void *b)
{
    const DeviceProps *const *first = a, *const *second = b;
    size_t n = strlen((*first)->address), m = strlen((*second)->address);

    /* Domains beyond ffff are longer, and come last. */
    if (n != m)
        return n < m ? -1 : 1;
    return strcmp((*first)->address, (*second)->address);
}

void devices_sort(GPtrArray *devices)
{
    g_ptr_array_sort(devices, compare_addresses);
}

char *device_address(const char *words)
{
    const char *colon = strchr(words, ':');
    bool has_domain = colon && strchr(colon + 1, ':');

    return g_strdup_printf("%s%s", has_domain ? "" : "0000:", words);
}

const DeviceProps *devices_find(const GPtrArray *devices, const char *address)
{
    g_autofree char *full = device_address(address);

    for (guint i = 0; i < devices->len; i++) {
        const DeviceProps *device = g_ptr_array_index(devices, i);
        if (g_ascii_strcasecmp(device->address, full) == 0)
            return device;
    }
    return NULL;
}

const GuestProps *guests_find(const GPtrArray *guests, const char *name)
{
    for (guint i = 0; i < guests->len; i++) {
        const GuestProps *guest = g_ptr_array_index(guests, i);
        if (strcmp(guest->name, name) == 0)
            return guest;
    }
    return NULL;
}

int guests_report_missing(const GPtrArray *guests, const char *name)
{
    g_autofree const char **names = g_new0(const char *, guests->len + 1);
    const char *nearest;

    for (guint i = 0; i < guests->len; i++)
        names[i] = ((const GuestProps *)g_ptr_array_index(guests, i))->name;
    nearest = text_nearest(name, names);
    if (nearest)
        say("There is no guest %s; did you mean %s?", name, nearest);
    else
        say("There is no guest %s; see which there are: usherctl list", name);
    return STATUS_NO_SUCH;
}

int devices_report_missing(const char *address)
{
    say("There is no device %s; see which there are: usherctl devices --all", address);
    return STATUS_NO_SUCH;
}
