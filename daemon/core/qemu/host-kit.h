/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has for guests beside QEMU: firmware, and the programs that run beside it. A value, found by
 * edge/scan/kit-find.h. */
#pragma once

#include "../definition/handle.h"
#include "../host/firmware.h"

typedef struct HostKit {
    char *state_path;     /* "/var/lib/usher/guests": a folder a guest, for what outlives its runs */
    char *swtpm;          /* the program; NULL: not installed */
    char *virtiofsd;      /* QEMU's; NULL: not installed */
    bool confined;        /* what runs beside QEMU can get no privilege */
    GPtrArray *firmwares; /* of Firmware, owned, in the order in which they are to be tried */
} HostKit;

HostKit *host_kit_new(const char *state_path);

/* The firmware of a guest; NULL: it boots with QEMU's own BIOS. Borrowed. */
const Firmware *host_kit_firmware(const HostKit *kit, const GuestDefinition *definition);

/* The folder with the state of a guest's TPM. The caller frees it. */
char *host_kit_tpm_path(const HostKit *kit, const GuestDefinition *definition);

/* Replaces Type=auto by what this host can do. */
void host_kit_settle(const HostKit *kit, GuestDefinition *definition);

/* The file with a guest's own variables. One for each way of booting: those made without keys would leave
 * secure boot without effect. The caller frees it. */
char *host_kit_nvram_path(const HostKit *kit, const GuestDefinition *definition);

/* FAULT_RAISED if the definition asks for something that the host does not have; the remedy names the
 * package to install. */
int host_kit_check(const HostKit *kit, const GuestDefinition *definition, Fault **ret_fault);

/* NULL is fine; returns NULL. */
HostKit *host_kit_free(HostKit *kit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostKit, host_kit_free)
