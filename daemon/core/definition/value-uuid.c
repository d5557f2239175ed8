/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

/* In lower case, as the kernel names what has one (%pUl). */
bool value_set_uuid(const DefinitionKey *key, const char *text, void *field, char **ret_hint)
{
    char **string = field;

    if (!g_uuid_string_is_valid(text))
        return false;
    g_free(*string);
    *string = g_ascii_strdown(text, -1);
    return true;
}
