/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition adds to QEMU's command line by its own: [QEMU]. */
#include <string.h>

#include "builder.h"

/* Commas are doubled. */
static void append_property(GString *text, const char *name, const char *value)
{
    g_string_append_printf(text, "%s%s=", text->len > 0 ? "," : "", name);
    for (; *value; value++) {
        if (*value == ',')
            g_string_append_c(text, ',');
        g_string_append_c(text, *value);
    }
}

/* The value that a device's property is set to; NULL: none. The last one counts. */
static const char *find_override(const GPtrArray *overrides, const char *id, const char *property)
{
    g_autofree char *prefix = g_strdup_printf("%s.%s=", id, property);

    for (unsigned i = overrides ? overrides->len : 0; i-- > 0;)
        if (g_str_has_prefix(g_ptr_array_index(overrides, i), prefix))
            return (const char *)g_ptr_array_index(overrides, i) + strlen(prefix);
    return NULL;
}

static const char *text_of(struct json_object *member)
{
    if (json_object_is_type(member, json_type_boolean))
        return json_object_get_boolean(member) ? "on" : "off";
    return json_object_get_string(member);
}

/* Appends the properties that the device does not have yet, each once. */
static void append_others(GString *text, const GPtrArray *overrides, const char *id,
                          struct json_object *device)
{
    g_autoptr(GHashTable) done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned i = 0; overrides && i < overrides->len; i++) {
        const char *override = g_ptr_array_index(overrides, i);
        size_t length = strlen(id);
        if (strncmp(override, id, length) != 0 || override[length] != '.')
            continue;
        char *property = g_strndup(override + length + 1, strcspn(override + length + 1, "="));
        bool given = json_object_object_get_ex(device, property, NULL);
        if (g_hash_table_add(done, property) && !given)
            append_property(text, property, find_override(overrides, id, property));
    }
}

static char *device_text(struct json_object *device, const char *id, const GPtrArray *overrides)
{
    GString *text = g_string_new(NULL);

    json_object_object_foreach(device, name, member)
        append_property(text, name, find_override(overrides, id, name) ?: text_of(member));
    append_others(text, overrides, id, device);
    return g_string_free(text, FALSE);
}

/* Rewrites all devices in QEMU's older notation. QEMU makes those in the order of the command line, before
 * those in JSON: so added devices come after ours, and leave them their places. The older notation also reads
 * "on" as a boolean where one is meant. */
static void rewrite_devices(QemuBuilder *builder, const GPtrArray *overrides, GString *ids)
{
    const GPtrArray *argv = builder->command->argv;

    for (unsigned i = 2; i < argv->len; i++) {
        char *text = g_ptr_array_index(argv, i);
        if (*text != '{' || !g_str_equal(g_ptr_array_index(argv, i - 1), "-device"))
            continue;
        struct json_object *device = json_tokener_parse(text), *member;
        const char *id =
            json_object_object_get_ex(device, "id", &member) ? json_object_get_string(member) : "";
        g_string_append_printf(ids, "%s ", id);
        argv->pdata[i] = device_text(device, id, overrides);
        json_object_put(device);
        g_free(text);
    }
}

/* No manual lists the ids of devices, so the message does. */
static void check_overrides(QemuBuilder *builder, const GPtrArray *overrides, const GString *ids)
{
    g_auto(GStrv) known = g_strsplit(ids->str, " ", -1);

    for (unsigned i = 0; overrides && i < overrides->len; i++) {
        const char *override = g_ptr_array_index(overrides, i);
        g_autofree char *id = g_strndup(override, strcspn(override, "."));
        if (g_strv_contains((const char *const *)known, id))
            continue;
        builder->command->no_device = g_string_chunk_insert(builder->command->strings, id);
        builder->command->devices = g_string_chunk_insert(builder->command->strings, ids->str);
        return;
    }
}

void qemu_add_extra(QemuBuilder *builder, const GPtrArray *arguments, const GPtrArray *overrides)
{
    g_autoptr(GString) ids = g_string_new(NULL);

    builder->command->n_own = builder->command->argv->len;
    if (!definition_tainted(builder->definition))
        return;
    rewrite_devices(builder, overrides, ids);
    check_overrides(builder, overrides, ids);
    for (unsigned i = 0; arguments && i < arguments->len; i++)
        builder_add(builder, g_ptr_array_index(arguments, i));
}
