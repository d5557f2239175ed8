/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

#include "../host/pci-address.h"

/* How QEMU gets it. */
typedef enum PciBackend {
    PCI_BACKEND_AUTO,
    PCI_BACKEND_IOMMUFD,
    PCI_BACKEND_GROUP,
    PCI_BACKEND_MAX,
    PCI_BACKEND_INVALID = -EINVAL,
} PciBackend;

/* [PCI name] */
struct DefinitionPci {
    char *name;
    PciAddress address; /* of nothing if mediated is set, and mediated_type is not */
    char *mediated;     /* MediatedDevice=: UUID in lower case; NULL: not said */
    char
        *mediated_type; /* MediatedType=: one of it is made, and lent in place of the device; NULL: none is */
    char *fingerprint;  /* Fingerprint=; NULL: not said */
    uint8_t functions;  /* Functions=: bit n for function n; 0 stands for all (the default) */
    unsigned virtual_functions; /* VirtualFunctions=: so many are made, and lent in its place; 0: it is lent
                                   itself */
    bool whole_group;           /* Group=all; default only */
    bool reset_before;          /* ResetBefore=, ResetAfter=; default no */
    bool reset_after;
    bool primary_vga;         /* PrimaryVGA=: QEMU's x-vga, for BIOS guests */
    uint64_t graphics_memory; /* GraphicsMemory=: bytes; 0: as much as the firmware has set aside */
    bool display;        /* Display=: the viewers of [Display] see its screen; of a mediated device alone */
    uint64_t bar_size;   /* BarSize=: bytes, a power of two; 0: as it is */
    char *rom;           /* ROM=: absolute; NULL: the device's own */
    bool rom_bar;        /* ROMBar=, default yes */
    PciBackend backend;  /* Backend=, default auto */
    char *driver;        /* Driver=, default "auto": the best that the kernel has */
    unsigned boot_index; /* BootIndex=, from 1; 0: not booted from */
    unsigned vendor_id, device_id, sub_vendor_id,
        sub_device_id; /* with VALUE_ID_GIVEN, or 0: the device's own */
};

/* Whether a mediated device is lent, one that is there or one that is made, and no PCI device. */
bool definition_mediates(const DefinitionPci *section);
/* What is to be said of PrimaryVGA= with the guest's firmware; NULL: nothing. */
const char *definition_primary_vga_remark(const GuestDefinition *definition, const DefinitionPci *section);
