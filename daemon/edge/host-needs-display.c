/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-needs-private.h"

/* Adds the display functions that have a device of a class ("drm": card0, "graphics": fb0). */
static void collect_displays(const HostPlace *place, const Host *host, const char *class, const char *prefix,
                             GHashTable *displays)
{
    g_auto(GStrv) names = needs_list(place, class);

    for (char **name = names; *name; name++) {
        if (!g_str_has_prefix(*name, prefix))
            continue;
        g_autofree char *link = g_strdup_printf("%s/%s", class, *name);
        g_autofree char *path = needs_resolve(place, link);
        g_autoptr(GPtrArray) functions = needs_functions_on(host, path ? path : "");
        for (unsigned i = 0; i < functions->len; i++) {
            HostDevice *device = g_ptr_array_index(functions, i);
            if (device->class >> 16 == 0x03)
                g_hash_table_add(displays, device);
        }
    }
}

void needs_note_display(const HostPlace *place, Host *host)
{
    g_autoptr(GHashTable) displays = g_hash_table_new(NULL, NULL);
    collect_displays(place, host, "class/drm", "card", displays);
    collect_displays(place, host, "class/graphics", "fb", displays);

    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *device = g_ptr_array_index(host->devices, i);
        if (device->boot_vga && device->driver && g_hash_table_contains(displays, device) &&
            g_hash_table_size(displays) == 1)
            needs_note(&device->needed_for, "boot display");
    }
}
