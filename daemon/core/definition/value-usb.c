/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "value.h"
#include "../host/usb.h"

static void replace(void *field, char *text)
{
    char **string = field;

    g_free(*string);
    *string = text;
}

/* As lsusb(8) shows it. */
bool value_set_usb_id(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    static const char form[] = "xxxx:xxxx";

    if (strlen(text) != strlen(form))
        return false;
    for (unsigned i = 0; text[i]; i++)
        if (form[i] == ':' ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return false;
    replace(field, g_ascii_strdown(text, -1));
    return true;
}

bool value_set_usb_port(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    const char *interface = strrchr(lower, ':');

    if (usb_port_valid(lower) || usb_place_valid(lower)) {
        replace(field, g_steal_pointer(&lower));
        return true;
    }
    /* As the links in /dev/input/by-path have it, of one interface: "…-usb-0:2.3:1.0-event-kbd". */
    g_autofree char *device = interface ? g_strndup(lower, interface - lower) : NULL;
    if (device && usb_place_valid(device))
        *ret_hint = g_strdup_printf("write the device, without its interface: Port=%s", device);
    return false;
}
