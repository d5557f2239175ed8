/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../base/cleanup.h"
#include "../definition/definition.h"
#include "host-tools.h"

HostTools *host_tools_new(const char *state_path)
{
    HostTools *tools = g_new0(HostTools, 1);

    tools->state_path = g_strdup(state_path);
    tools->firmwares = g_ptr_array_new_with_free_func((GDestroyNotify)firmware_free);
    return tools;
}

const Firmware *host_tools_firmware(const HostTools *tools, const GuestDefinition *definition)
{
    if (definition->firmware.type != FIRMWARE_UEFI)
        return NULL;
    return firmware_choose(tools->firmwares, definition->firmware.secure_boot);
}

char *host_tools_nvram_path(const HostTools *tools, const GuestDefinition *definition)
{
    const char *name = definition->firmware.secure_boot ? "nvram-secure.fd" : "nvram.fd";

    return g_build_filename(tools->state_path, definition->name, name, NULL);
}

char *host_tools_tpm_path(const HostTools *tools, const GuestDefinition *definition)
{
    return g_build_filename(tools->state_path, definition->name, "tpm", NULL);
}

void host_tools_settle(const HostTools *tools, GuestDefinition *definition)
{
    for (unsigned i = 0; i < definition->shares->len; i++) {
        DefinitionShare *share = g_ptr_array_index(definition->shares, i);
        bool can =
            tools->virtiofsd && !tools->confined && !share->read_only && share->owner == SHARE_OWNER_HOST;
        if (share->type == SHARE_TYPE_AUTO)
            share->type = can ? SHARE_TYPE_VIRTIOFS : SHARE_TYPE_9P;
    }
}

static int check_share(const HostTools *tools, const char *guest, const DefinitionShare *share,
                       Fault **ret_fault)
{
    if (share->type != SHARE_TYPE_VIRTIOFS)
        return 0;
    if (!tools->virtiofsd)
        return fault_raise(ret_fault, FAULT_MISSING_FILE,
                           "install it: apt install qemu-system-common; or write Type=9p",
                           "guest %s: [Share %s] Type=virtiofs: there is no virtiofsd of QEMU's on this host",
                           guest, share->name);
    /* Its weakest sandbox= is a chroot(2); it cannot run without. */
    if (tools->confined)
        return fault_raise(
            ret_fault, FAULT_REFUSED, "write Type=9p, or remove Type=",
            "guest %s: [Share %s] Type=virtiofs: QEMU's virtiofsd changes its root directory, which "
            "usherd cannot let it do, as it is not root itself",
            guest, share->name);
    return 0;
}

int host_tools_check(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault)
{
    if (definition->firmware.type == FIRMWARE_UEFI && !host_tools_firmware(tools, definition))
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install it: apt install ovmf",
                           "guest %s: no file in /usr/share/qemu/firmware tells of UEFI firmware for q35 %s",
                           definition->name,
                           definition->firmware.secure_boot ? "with secure boot and enrolled keys"
                                                            : "without secure boot");
    if (definition->tpm != TPM_VERSION_NONE && !tools->swtpm)
        return fault_raise(ret_fault, FAULT_MISSING_FILE, "install it: apt install swtpm",
                           "guest %s: there is no swtpm, which emulates a TPM, on this host",
                           definition->name);
    for (unsigned i = 0; i < definition->shares->len; i++) {
        int r = check_share(tools, definition->name, g_ptr_array_index(definition->shares, i), ret_fault);
        if (r != 0)
            return r;
    }
    return 0;
}

DEFINE_FREE(HostTools, host_tools_free, tools)
{
    g_ptr_array_unref(tools->firmwares);
    g_free(tools->state_path);
    g_free(tools->swtpm);
    g_free(tools->virtiofsd);
}
