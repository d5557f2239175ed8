/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/input.h"
#include "input.h"

#include "../definition/keys.h"
#include "builder.h"

char *qemu_input_id(const DefinitionInput *input)
{
    return g_strconcat("input-", input->name, NULL);
}

struct json_object *qemu_input_object(const DefinitionInput *input, const char *node)
{
    struct json_object *object = json_object_new_object();
    g_autofree char *id = qemu_input_id(input);
    const DefinitionKey *toggle = definition_key_find(SECTION_INPUT, "GrabToggle");

    json_set_text(object, "qom-type", "input-linux");
    json_set_text(object, "id", "%s", id);
    json_set_text(object, "evdev", "%s", node);
    json_set_bool(object, "grab_all", true);
    json_set_bool(object, "repeat", true);
    json_set_text(object, "grab-toggle", "%s", toggle->words[input->grab_toggle]);
    return object;
}
