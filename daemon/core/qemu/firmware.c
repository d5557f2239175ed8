/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

static void add_flash(QemuBuilder *builder, const char *node, int fd, bool qcow2, bool read_only)
{
    g_autofree char *file_node = qcow2 ? g_strconcat(node, "-file", NULL) : g_strdup(node);
    struct json_object *file = json_new_driver("file"), *format = qcow2 ? json_new_driver("qcow2") : NULL;

    json_set_text(file, "node-name", "%s", file_node);
    json_set_text(file, "filename", "/dev/fdset/%d", fd);
    json_set_bool(file, "read-only", read_only);
    builder_json(builder, "-blockdev", file);
    if (!format)
        return;
    json_set_text(format, "node-name", "%s", node);
    json_set_text(format, "file", "%s", file_node);
    json_set_bool(format, "read-only", read_only);
    /* Without this, the image could have QEMU open whatever path it likes. */
    json_object_object_add(format, "backing", NULL);
    builder_json(builder, "-blockdev", format);
}

static void add_code(QemuBuilder *builder, const Firmware *firmware)
{
    int fd = builder_file_set(builder, QEMU_FILE_FIRMWARE, firmware->code, true);

    add_flash(builder, "firmware", fd, firmware->code_qcow2, true);
}

static void add_variables(QemuBuilder *builder, const Firmware *firmware)
{
    g_autofree char *path =
        host_tools_nvram_path(builder->tools, builder->definition, firmware->template_qcow2);
    int fd = builder_file_set(builder, QEMU_FILE_NVRAM, path, false);

    builder_file_at(builder, fd)->template = builder_keep(builder, firmware->template);
    add_flash(builder, "nvram", fd, firmware->template_qcow2, false);
}

void qemu_add_firmware(QemuBuilder *builder)
{
    Firmware firmware;

    if (!host_tools_firmware(builder->tools, builder->definition, &firmware))
        return;
    if (firmware.code)
        add_code(builder, &firmware);
    if (firmware.template)
        add_variables(builder, &firmware);
    builder_option(builder, "-machine", "pflash0=%s%s%s", firmware.code ? "firmware" : "nvram",
                   firmware.code && firmware.template ? ",pflash1=nvram" : "",
                   firmware.needs_smm ? ",smm=on" : "");
    /* Only system management mode can then write the variables: otherwise the guest's system could change its
     * keys (OvmfPkg/README of edk2). */
    if (firmware.needs_smm)
        builder_option(builder, "-global", "driver=cfi.pflash01,property=secure,value=on");
}

/* PlatformGetFirstNonAddress() of edk2's OvmfPkg/Library/PlatformInitLib/MemDetect.c reads the size, in MiB.
 */
void qemu_add_mmio64(QemuBuilder *builder, uint64_t size)
{
    builder_option(builder, "-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=%" G_GUINT64_FORMAT, size >> 20);
}
