/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"

#include <fnmatch.h>

#include "descriptor.h"

#include "../../base/cleanup.h"

/* What q35 stands for in the oldest QEMU that we use; descriptors have patterns of versioned names. */
#define MACHINE "pc-q35-7.2"

static unsigned array_length(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static bool has_word(struct json_object *object, const char *name, const char *word)
{
    struct json_object *words = descriptor_member(object, name);

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
    struct json_object *machines = descriptor_member(target, "machines");

    if (g_strcmp0(descriptor_text(target, "architecture"), "x86_64") != 0)
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
    struct json_object *targets = descriptor_member(root, "targets");

    for (unsigned i = 0; i < array_length(targets); i++)
        if (target_fits(json_object_array_get_idx(targets, i)))
            return true;
    return false;
}

/* The path of a raw image, or NULL. */
static const char *image_of(struct json_object *mapping, const char *name)
{
    struct json_object *image = descriptor_member(mapping, name);
    const char *path = descriptor_text(image, "filename");

    return g_strcmp0(descriptor_text(image, "format"), "raw") == 0 && path && g_path_is_absolute(path) ? path
                                                                                                       : NULL;
}

static Firmware *read_descriptor(const char *source, struct json_object *root)
{
    struct json_object *mapping = descriptor_member(root, "mapping");
    const char *mode = descriptor_text(mapping, "mode");
    const char *code = image_of(mapping, "executable"), *template = image_of(mapping, "nvram-template");

    if (!has_word(root, "interface-types", "uefi") || !has_target(root) ||
        g_strcmp0(descriptor_text(mapping, "device"), "flash") != 0 ||
        (mode && !g_str_equal(mode, "split")) || !code || !template)
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
    struct json_object *root = descriptor_parse(text, size);
    Firmware *firmware = read_descriptor(source, root);

    json_object_put(root);
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
