/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest boots by, and its TPM. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum FirmwareType {
    FIRMWARE_BIOS,
    FIRMWARE_UEFI,
    FIRMWARE_TYPE_MAX,
    FIRMWARE_TYPE_INVALID = -EINVAL,
} FirmwareType;

typedef enum FirmwareKeys {
    FIRMWARE_KEYS_ENROLLED, /* the distribution's */
    FIRMWARE_KEYS_NONE,     /* the guest's owner enrols his own */
    FIRMWARE_KEYS_MAX,
    FIRMWARE_KEYS_INVALID = -EINVAL,
} FirmwareKeys;

typedef enum TpmVersion {
    TPM_VERSION_NONE,
    TPM_VERSION_2_0,
    TPM_VERSION_MAX,
    TPM_VERSION_INVALID = -EINVAL,
} TpmVersion;

typedef struct DefinitionFirmware {
    FirmwareType type;      /* default bios */
    bool secure_boot;       /* SecureBoot=, uefi alone */
    FirmwareKeys keys;      /* with secure boot; default enrolled */
    bool menu;              /* BootMenu= */
    uint64_t mmio64;        /* MMIO64=, bytes, uefi alone; 0: the firmware's choice */
    char *code, *variables; /* absolute; NULL: as the host's distribution describes */
} DefinitionFirmware;
