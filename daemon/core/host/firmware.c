/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"

#include <fnmatch.h>
#include <json-c/json.h>

#include "../../base/cleanup.h"

/* What q35 stands for in the oldest QEMU that we use; descriptors have patterns of versioned names. */
#define MACHINE "pc-q35-7.2"

static struct json_object *member(struct json_object *object, const char *name)
{
    return json_object_is_type(object, json_type_object) ? json_object_object_get(object, name) : NULL;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *text = member(object, name);

    return json_object_is_type(text, json_type_string) ? json_object_get_string(text) : NULL;
}

static unsigned array_length(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static bool has_word(struct json_object *object, const char *name, const char *word)
{
    struct json_object *words = member(object, name);

    for (unsigned i = 0; i < array_length(words); i++) {
        struct json_object *element = json_object_array_get_idx(words, i);
        if (json_object_is_type(element, json_type_string) &&
            g_str_equal(json_object_get_string(element), word))
            return true;
    }
    return false;
}

static bool target_fits(struct json_object *target)
{
    struct json_object *machines = member(target, "machines");

    if (g_strcmp0(text_of(target, "architecture"), "x86_64") != 0)
        return false;
    for (unsigned i = 0; i < array_length(machines); i++) {
        struct json_object *pattern = json_object_array_get_idx(machines, i);
        if (json_object_is_type(pattern, json_type_string) &&
            fnmatch(json_object_get_string(pattern), MACHINE, 0) == 0)
            return true;
    }
    return false;
}

static bool has_target(struct json_object *root)
{
    struct json_object *targets = member(root, "targets");

    for (unsigned i = 0; i < array_length(targets); i++)
        if (target_fits(json_object_array_get_idx(targets, i)))
            return true;
    return false;
}

/* The path of a raw image, or NULL. */
static const char *image_of(struct json_object *mapping, const char *name)
{
    struct json_object *image = member(mapping, name);
    const char *path = text_of(image, "filename");

    return g_strcmp0(text_of(image, "format"), "raw") == 0 && path && g_path_is_absolute(path) ? path : NULL;
}

static Firmware *read_descriptor(const char *source, struct json_object *root)
{
    struct json_object *mapping = member(root, "mapping");
    const char *mode = text_of(mapping, "mode");
    const char *code = image_of(mapping, "executable"), *template = image_of(mapping, "nvram-template");

    if (!has_word(root, "interface-types", "uefi") || !has_target(root) ||
        g_strcmp0(text_of(mapping, "device"), "flash") != 0 || (mode && !g_str_equal(mode, "split")) ||
        !code || !template)
        return NULL;
    return firmware_copy(&(Firmware){
        .source = (char *)source,
        .code = (char *)code,
        .template = (char *)template,
        .secure_boot = has_word(root, "features", "secure-boot"),
        .enrolled_keys = has_word(root, "features", "enrolled-keys"),
        .needs_smm = has_word(root, "features", "requires-smm"),
    });
}

Firmware *firmware_parse(const char *source, const char *text, size_t size)
{
    struct json_tokener *tokener = json_tokener_new();

    /* Its texts go into glib and onto the bus. */
    json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = size <= G_MAXINT ? json_tokener_parse_ex(tokener, text, size) : NULL;
    Firmware *firmware = read_descriptor(source, root);

    json_object_put(root);
    json_tokener_free(tokener);
    return firmware;
}

const Firmware *firmware_choose(const GPtrArray *firmwares, bool secure_boot)
{
    for (unsigned i = 0; i < firmwares->len; i++) {
        const Firmware *firmware = g_ptr_array_index(firmwares, i);
        if (firmware->secure_boot == secure_boot && firmware->enrolled_keys == secure_boot)
            return firmware;
    }
    return NULL;
}

Firmware *firmware_copy(const Firmware *firmware)
{
    Firmware *copy = g_new(Firmware, 1);

    *copy = *firmware;
    copy->source = g_strdup(firmware->source);
    copy->code = g_strdup(firmware->code);
    copy->template = g_strdup(firmware->template);
    return copy;
}

DEFINE_FREE(Firmware, firmware_free, firmware)
{
    g_free(firmware->source);
    g_free(firmware->code);
    g_free(firmware->template);
}
