/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place where values of ours become parts of a message. The names of files, mounts and processes and
 * the words of devices are bytes, and one string that is not UTF-8 would make sd-bus refuse the message as a
 * whole: a pci.ids with one bad byte, and no device could be listed. */
#include <glib.h>
#include <string.h>

#include "api-private.h"

static int append_text(sd_bus_message *message, const char *text)
{
    g_autofree char *valid = !text || g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);

    return sd_bus_message_append_basic(message, 's', valid ?: text);
}

/* type: '('. Structures are not nested in one another here. */
static int open_structure(sd_bus_message *message, const char *type)
{
    g_autofree char *members = g_strndup(type + 1, strcspn(type + 1, ")"));

    return sd_bus_message_open_container(message, 'r', members);
}

int api_append(sd_bus_message *message, const char *types, ...)
{
    va_list values;
    int r = 0;

    va_start(values, types);
    for (const char *type = types; r >= 0 && *type; type++) {
        if (*type == 's') {
            r = append_text(message, va_arg(values, const char *));
        } else if (*type == 'o') {
            r = sd_bus_message_append_basic(message, 'o', va_arg(values, const char *));
        } else if (*type == 't') {
            uint64_t number = va_arg(values, uint64_t);
            r = sd_bus_message_append_basic(message, 't', &number);
        } else if (*type == 'u' || *type == 'i' || *type == 'b') {
            int number = va_arg(values, int);
            r = sd_bus_message_append_basic(message, *type, &number);
        } else {
            g_assert(*type == '(' || *type == ')');
            r = *type == '(' ? open_structure(message, type) : sd_bus_message_close_container(message);
        }
    }
    va_end(values);
    return r;
}

int api_append_words(sd_bus_message *message, const char *const *words)
{
    int r = sd_bus_message_open_container(message, 'a', "s");

    for (; r >= 0 && *words; words++)
        r = append_text(message, *words);
    return r < 0 ? r : sd_bus_message_close_container(message);
}
