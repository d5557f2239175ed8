/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "/dev/bus/usb/"

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

bool usb_port_valid(const char *text)
{
    const char *end = skip_digits(text);

    if (end == text || *end != '-')
        return false;
    do {
        const char *part = end + 1;
        end = skip_digits(part);
        if (end == part)
            return false;
    } while (*end == '.');
    return *end == '\0';
}

char *usb_node(const HostUsb *usb)
{
    return g_strdup_printf(FOLDER "%03u/%03u", usb->bus, usb->number);
}

bool usb_node_parse(const char *path, unsigned *ret_bus, unsigned *ret_number)
{
    HostUsb usb;

    if (sscanf(path, FOLDER "%3u/%3u", &usb.bus, &usb.number) != 2)
        return false;
    g_autofree char *canonical = usb_node(&usb);
    if (!g_str_equal(canonical, path) || usb.bus < 1 || usb.number < 1 || usb.number > 127)
        return false;
    *ret_bus = usb.bus;
    *ret_number = usb.number;
    return true;
}

char *usb_describe(const HostUsb *usb)
{
    return g_strdup_printf("%04x:%04x at port %s%s%s", usb->vendor, usb->product, usb->port,
                           usb->serial ? " with serial number " : "", usb->serial ?: "");
}

bool usb_drivers_back(const char *drivers, const char *live)
{
    g_auto(GStrv) wanted = g_strsplit(drivers, " ", -1), there = g_strsplit(live, " ", -1);

    for (char **word = wanted; *word; word++) {
        size_t interface = strcspn(*word, ":") + 1;
        bool bound = **word == '\0';
        for (char **other = there; *other && !bound; other++)
            bound = strncmp(*word, *other, interface) == 0;
        if (!bound)
            return false;
    }
    return true;
}
