/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usb.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "/dev/bus/usb/"

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* "2.3" */
static bool is_chain(const char *text)
{
    do {
        const char *part = text;
        text = skip_digits(part);
        if (text == part)
            return false;
    } while (*text++ == '.');
    return text[-1] == '\0';
}

bool usb_port_valid(const char *text)
{
    const char *end = skip_digits(text);

    return end != text && *end == '-' && is_chain(end + 1);
}

#define PLACE_PCI "pci-"
#define PLACE_USB "-usb-0:"

bool usb_place_valid(const char *text)
{
    const char *usb = strstr(text, PLACE_USB);
    PciAddress address;

    if (!g_str_has_prefix(text, PLACE_PCI) || !usb || !is_chain(usb + strlen(PLACE_USB)))
        return false;
    g_autofree char *pci = g_strndup(text + strlen(PLACE_PCI), usb - text - strlen(PLACE_PCI));
    return pci_address_from_string(pci, &address) == 0 && g_str_equal(pci, PCI_ADDRESS_STR(address));
}

char *usb_place(const char *port, const char *link)
{
    g_auto(GStrv) parts = g_strsplit(link, "/", -1);
    PciAddress address;

    for (char **part = parts; *part; part++)
        if (g_str_has_prefix(*part, "usb") && part > parts &&
            pci_address_from_string(part[-1], &address) == 0)
            return g_strdup_printf(PLACE_PCI "%s" PLACE_USB "%s", part[-1], strchr(port, '-') + 1);
    return NULL;
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
