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
    if (!usb_port_valid(text))
        return false;
    replace(field, g_strdup(text));
    return true;
}
