/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

static void add_flash(QemuBuilder *builder, const char *node, int fd, bool read_only)
{
    struct json_object *flash = json_new_driver("file");

    json_set_text(flash, "node-name", "%s", node);
    json_set_text(flash, "filename", "/dev/fdset/%d", fd);
    json_set_bool(flash, "read-only", read_only);
    builder_json(builder, "-blockdev", flash);
}

void qemu_add_firmware(QemuBuilder *builder)
{
    const Firmware *firmware = host_tools_firmware(builder->tools, builder->definition);

    if (!firmware)
        return;
    g_autofree char *nvram = host_tools_nvram_path(builder->tools, builder->definition);
    int code = builder_file_set(builder, QEMU_FILE_FIRMWARE, firmware->code, true);
    int variables = builder_file_set(builder, QEMU_FILE_NVRAM, nvram, false);

    builder_file_at(builder, variables)->template = builder_keep(builder, firmware->template);
    add_flash(builder, "firmware", code, true);
    add_flash(builder, "nvram", variables, false);
    builder_option(builder, "-machine", "pflash0=firmware,pflash1=nvram%s",
                   firmware->needs_smm ? ",smm=on" : "");
    /* Only system management mode can then write the variables: otherwise the guest's system could change its
     * keys (OvmfPkg/README of edk2). */
    if (firmware->needs_smm)
        builder_option(builder, "-global", "driver=cfi.pflash01,property=secure,value=on");
}
