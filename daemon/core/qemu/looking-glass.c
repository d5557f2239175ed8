/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"
#include "../plan/looking-glass.h"

void qemu_add_looking_glass(QemuBuilder *builder, uint64_t size)
{
    g_autofree char *path = looking_glass_path(builder->definition);
    struct json_object *backend = json_object_new_object(), *device = json_new_driver("ivshmem-plain");

    json_set_text(backend, "qom-type", "memory-backend-file");
    json_set_text(backend, "id", "looking-glass");
    json_set_text(backend, "mem-path", "%s", path);
    json_object_object_add(backend, "size", json_object_new_int64(size));
    json_set_bool(backend, "share", true);
    builder_json(builder, "-object", backend);
    json_set_text(device, "id", "looking-glass-card");
    json_set_text(device, "bus", "pcie.0");
    json_set_text(device, "addr", "0x%x", SLOT_MEMORY);
    json_set_text(device, "memdev", "looking-glass");
    builder_json(builder, "-device", device);
}
