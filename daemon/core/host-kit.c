/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-kit.h"

HostKit *host_kit_new(const char *state_path)
{
    HostKit *kit = g_new0(HostKit, 1);

    kit->state_path = g_strdup(state_path);
    kit->firmwares = g_ptr_array_new_with_free_func((GDestroyNotify)firmware_free);
    return kit;
}

const Firmware *host_kit_firmware(const HostKit *kit, const GuestDefinition *definition)
{
    if (definition->firmware.type != FIRMWARE_UEFI)
        return NULL;
    return firmware_choose(kit->firmwares, definition->firmware.secure_boot);
}

char *host_kit_nvram_path(const HostKit *kit, const GuestDefinition *definition)
{
    const char *name = definition->firmware.secure_boot ? "nvram-secure.fd" : "nvram.fd";

    return g_build_filename(kit->state_path, definition->name, name, NULL);
}

char *host_kit_tpm_path(const HostKit *kit, const GuestDefinition *definition)
{
    return g_build_filename(kit->state_path, definition->name, "tpm", NULL);
}

int host_kit_check(const HostKit *kit, const GuestDefinition *definition, Fault **ret_fault)
{
    if (definition->firmware.type == FIRMWARE_UEFI && !host_kit_firmware(kit, definition))
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install it: apt install ovmf",
                           "guest %s: no file in /usr/share/qemu/firmware tells of UEFI firmware for q35 %s",
                           definition->name,
                           definition->firmware.secure_boot ? "with secure boot and enrolled keys"
                                                            : "without secure boot");
    if (definition->tpm != TPM_VERSION_NONE && !kit->swtpm)
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install it: apt install swtpm",
                           "guest %s: there is no swtpm, which plays a TPM, on this host", definition->name);
    return 0;
}

HostKit *host_kit_free(HostKit *kit)
{
    if (!kit)
        return NULL;
    g_ptr_array_unref(kit->firmwares);
    g_free(kit->state_path);
    g_free(kit->swtpm);
    g_free(kit);
    return NULL;
}
