/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "looking-glass.h"

#include <string.h>

#include "builder.h"

bool kvmfr_device_valid(const char *path)
{
    static const char prefix[] = "/dev/kvmfr";

    return g_str_has_prefix(path, prefix) && g_ascii_isdigit(path[strlen(prefix)]) && path[strlen(prefix) + 1] == '\0';
}

char *looking_glass_path(const GuestDefinition *definition)
{
    if (definition->looking_glass.device)
        return g_strdup(definition->looking_glass.device);
    return g_strconcat(LOOKING_GLASS_PREFIX, definition->name, NULL);
}

void plan_add_looking_glass(Plan *plan, const GuestDefinition *definition)
{
    if (definition->looking_glass.size == 0 || definition->looking_glass.device)
        return;
    g_autofree char *path = looking_glass_path(definition);
    g_autofree char *after = g_strdup_printf("%" G_GUINT64_FORMAT " %s " STEP_VALUE_GUEST, definition->looking_glass.size,
                                             definition->looking_glass.owner ?: "root");
    g_ptr_array_add(plan->steps, step_new(STEP_SHARED_MEMORY, path, "", after));
}

void qemu_add_looking_glass(QemuBuilder *builder)
{
    const GuestDefinition *definition = builder->definition;

    if (definition->looking_glass.size == 0 && !definition->looking_glass.device)
        return;
    g_autofree char *path = looking_glass_path(definition);
    struct json_object *backend = json_object_new_object(), *device = json_new_driver("ivshmem-plain");

    json_set_text(backend, "qom-type", "memory-backend-file");
    json_set_text(backend, "id", "looking-glass");
    json_set_text(backend, "mem-path", "%s", path);
    json_object_object_add(backend, "size", json_object_new_int64(definition->looking_glass.size));
    json_set_bool(backend, "share", true);
    builder_json(builder, "-object", backend);
    json_set_text(device, "id", "looking-glass-card");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_MEMORY);
    json_set_text(device, "memdev", "looking-glass");
    builder_json(builder, "-device", device);
}
