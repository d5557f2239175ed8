/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"

/* QEMU sends its commands on one socket, and by it passes another for the TPM's own commands
 * (docs/specs/tpm.rst of QEMU's). */
void qemu_add_tpm(QemuBuilder *builder)
{
    QemuCompanion *swtpm = builder_companion(builder, "swtpm", builder->tools->swtpm);
    struct json_object *device = json_new_driver("tpm-crb");
    int listener, fd = builder_companion_socket(builder, &listener);

    swtpm->state_folder = host_tools_tpm_path(builder->tools, builder->definition);
    companion_add(swtpm, "socket");
    companion_add(swtpm, "--tpm2");
    companion_add(swtpm, "--tpmstate");
    companion_add(swtpm, "dir=%s,mode=0600", swtpm->state_folder);
    companion_add(swtpm, "--ctrl");
    companion_add(swtpm, "type=unixio,fd=%d", listener);
    companion_add(swtpm, "--terminate");

    builder_option(builder, "-chardev", "socket,id=tpm,fd=%d", fd);
    builder_option(builder, "-tpmdev", "emulator,id=tpm,chardev=tpm");
    json_set_text(device, "id", "tpm-crb");
    json_set_text(device, "tpmdev", "tpm");
    builder_json(builder, "-device", device);
}
