/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/file.h"
#include "host-needs-private.h"

#define PROC_LIMIT (16 * 1024 * 1024)

int needs_read_lines(const HostPlace *place, const char *name, char ***ret)
{
    g_autofree char *text = NULL;
    int r = file_read_all_at(place->proc_fd, name, PROC_LIMIT, &text, NULL);
    if (r < 0 && r != -ENOENT)
        return r;
    *ret = g_strsplit(text ? text : "", "\n", -1);
    return 0;
}

char *needs_resolve(const HostPlace *place, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(place->sys_fd, path, target, sizeof(target) - 1);
    if (n < 0)
        return NULL;
    target[n] = '\0';

    /* Links below class/ and dev/ are "../../devices/…", those elsewhere as deep as they need be. */
    const char *devices = strstr(target, "devices/");
    return devices ? g_strdup(devices) : NULL;
}

char **needs_list(const HostPlace *place, const char *path)
{
    char **names;
    return file_list_at(place->sys_fd, path, &names) < 0 ? g_new0(char *, 1) : names;
}

void needs_note(char **needed_for, const char *reason)
{
    if (!*needed_for) {
        *needed_for = g_strdup(reason);
        return;
    }
    g_auto(GStrv) known = g_strsplit(*needed_for, ", ", -1);
    if (g_strv_contains((const char *const *)known, reason))
        return;
    g_autofree char *before = *needed_for;
    *needed_for = g_strdup_printf("%s, %s", before, reason);
}

GPtrArray *needs_functions_on(const Host *host, const char *path)
{
    GPtrArray *functions = g_ptr_array_new();
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (char **part = parts; *part; part++) {
        PciAddress address;
        const HostDevice *device =
            pci_address_from_string(*part, &address) == 0 ? host_find(host, address) : NULL;
        if (device)
            g_ptr_array_add(functions, (gpointer)device);
    }
    return functions;
}

/* The USB devices along a path, hubs among them. */
static void note_usbs(Host *host, const char *path, const char *reason)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (char **part = parts; *part; part++) {
        HostUsb *usb = host_find_usb(host, *part);
        if (usb)
            needs_note(&usb->needed_for, reason);
    }
}

bool needs_note_path(Host *host, const char *path, const char *reason)
{
    g_autoptr(GPtrArray) functions = needs_functions_on(host, path);

    for (unsigned i = 0; i < functions->len; i++) {
        HostDevice *device = g_ptr_array_index(functions, i);
        if (!device->bridge)
            needs_note(&device->needed_for, reason);
    }
    note_usbs(host, path, reason);
    return functions->len > 0;
}
