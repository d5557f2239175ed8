/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptor.h"

struct json_object *descriptor_parse(const char *text, size_t size)
{
    struct json_tokener *tokener = json_tokener_new();

    json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = size <= G_MAXINT ? json_tokener_parse_ex(tokener, text, size) : NULL;
    json_tokener_free(tokener);
    return root;
}

struct json_object *descriptor_member(struct json_object *object, const char *name)
{
    return json_object_is_type(object, json_type_object) ? json_object_object_get(object, name) : NULL;
}

const char *descriptor_text(struct json_object *object, const char *name)
{
    struct json_object *text = descriptor_member(object, name);

    return json_object_is_type(text, json_type_string) ? json_object_get_string(text) : NULL;
}
