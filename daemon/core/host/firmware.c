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

/* The path of an image in a format that we know, or NULL. */
static char *image_of(struct json_object *mapping, const char *name, bool *ret_qcow2)
{
    struct json_object *image = descriptor_member(mapping, name);
    const char *path = descriptor_text(image, "filename"), *format = descriptor_text(image, "format");

    *ret_qcow2 = g_strcmp0(format, "qcow2") == 0;
    return path && g_path_is_absolute(path) && (*ret_qcow2 || g_strcmp0(format, "raw") == 0) ? g_strdup(path)
                                                                                             : NULL;
}

/* FirmwareFlashMode: code and variables in two images; in one, of which each guest has a copy; code alone. */
static bool read_images(struct json_object *mapping, Firmware *firmware)
{
    const char *mode = descriptor_text(mapping, "mode") ?: "split";

    if (g_str_equal(mode, "combined")) {
        firmware->template = image_of(mapping, "executable", &firmware->template_qcow2);
        return firmware->template != NULL;
    }
    firmware->code = image_of(mapping, "executable", &firmware->code_qcow2);
    if (g_str_equal(mode, "stateless"))
        return firmware->code != NULL;
    firmware->template = image_of(mapping, "nvram-template", &firmware->template_qcow2);
    return g_str_equal(mode, "split") && firmware->code && firmware->template;
}

/* With "host-uefi-vars" it keeps its variables by a device of QEMU's (uefi-vars-x64) that no guest of ours
 * has, and panics without. */
static bool is_bootable(struct json_object *root)
{
    return has_word(root, "interface-types", "uefi") && has_target(root) &&
           !has_word(root, "features", "host-uefi-vars");
}

static Firmware *read_descriptor(const char *source, struct json_object *root)
{
    struct json_object *mapping = descriptor_member(root, "mapping");
    g_autoptr(Firmware) firmware = g_new0(Firmware, 1);

    if (!is_bootable(root) || g_strcmp0(descriptor_text(mapping, "device"), "flash") != 0 ||
        !read_images(mapping, firmware))
        return NULL;
    firmware->source = g_strdup(source);
    firmware->secure_boot = has_word(root, "features", "secure-boot");
    firmware->enrolled_keys = has_word(root, "features", "enrolled-keys");
    firmware->needs_smm = has_word(root, "features", "requires-smm");
    return g_steal_pointer(&firmware);
}

Firmware *firmware_parse(const char *source, const char *text, size_t size)
{
    struct json_object *root = descriptor_parse(text, size);
    Firmware *firmware = read_descriptor(source, root);

    json_object_put(root);
    return firmware;
}

bool firmware_take(const char *source, const char *text, size_t size, void *firmwares)
{
    Firmware *firmware = firmware_parse(source, text, size);

    if (firmware)
        g_ptr_array_add(firmwares, firmware);
    return false;
}

static const Firmware *choose(const GPtrArray *firmwares, bool secure_boot, bool enrolled_keys, bool keeps)
{
    for (unsigned i = 0; i < firmwares->len; i++) {
        const Firmware *firmware = g_ptr_array_index(firmwares, i);
        if (firmware->secure_boot == secure_boot &&
            firmware->enrolled_keys == (secure_boot && enrolled_keys) &&
            (firmware->template != NULL) == keeps)
            return firmware;
    }
    return NULL;
}

const Firmware *firmware_choose(const GPtrArray *firmwares, bool secure_boot, bool enrolled_keys)
{
    return choose(firmwares, secure_boot, enrolled_keys, true)
               ?: choose(firmwares, secure_boot, enrolled_keys, false);
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
