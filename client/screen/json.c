/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

JsonMode json_mode_from_string(const char *name)
{
    static const char *const names[JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
    };

    for (int mode = 0; mode < JSON_MODE_MAX; mode++) {
        if (strcmp(names[mode], name) == 0)
            return mode;
    }
    return JSON_MODE_INVALID;
}

json_object *json_strings(const char *key, ...)
{
    json_object *object = json_object_new_object();
    va_list ap;

    va_start(ap, key);
    for (; key; key = va_arg(ap, const char *))
        json_object_object_add(object, key, json_object_new_string(va_arg(ap, const char *)));
    va_end(ap);
    return object;
}

void json_print(json_object *value, JsonMode mode)
{
    int flags =
        mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;

    puts(json_object_to_json_string_ext(value, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(value);
}

void json_print_gathered(json_object *array, JsonMode mode, bool complete)
{
    if (array && (complete || json_object_array_length(array) > 0))
        json_print(array, mode);
    else
        json_object_put(array);
}
