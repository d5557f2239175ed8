/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The board of a guest. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "handle.h"

typedef enum AutoSwitch {
    AUTO_SWITCH_AUTO, /* never seen in a definition that was read */
    AUTO_SWITCH_NO,
    AUTO_SWITCH_YES,
    AUTO_SWITCH_MAX,
    AUTO_SWITCH_INVALID = -EINVAL,
} AutoSwitch;

/* What the firmware tells of who made the machine; NULL: what QEMU says. */
typedef struct DefinitionSmbios {
    bool host; /* Host=: what is not said here is what the host's firmware says */
    char *bios_vendor, *bios_version, *bios_date;
    char *manufacturer, *product, *version, *serial, *sku, *family;
    bool board; /* Board=: there is a table of the board, which QEMU leaves out by itself */
    char *board_manufacturer, *board_product, *board_version, *board_serial;
} DefinitionSmbios;

/* See definition_fill_smbios(). */
void smbios_fill(DefinitionSmbios *smbios, char *(*look)(const char *name));

struct DefinitionMachine {
    char *type;             /* Machine=: "pc-q35-7.2"; default q35, the newest that QEMU has */
    char *uuid;             /* UUID=, in lower case; NULL: definition_uuid() makes it */
    char *generation;       /* GenerationID=; NULL: none */
    AutoSwitch suspend;     /* Suspend=, default no with devices, yes without */
    unsigned spare_ports;   /* SparePorts=, default 4: PCI devices that can be plugged in while it runs */
    bool native_hot_plug;   /* HotPlug=native: the root ports tell of what is plugged in, not ACPI */
    GPtrArray *acpi_tables; /* ACPITable=, of char*, paths; NULL: none */
    char *apple_smc;        /* AppleSMC=, the key that macOS asks for, of 64 bytes at most; NULL: none */
    AutoSwitch rng;         /* RNG=, default yes without HyperV= */
    struct {
        char *base;      /* default CLOCK_UTC; CLOCK_LOCAL, or the name of a time zone */
        AutoSwitch hpet; /* default no with devices or HyperV= */
    } clock;
    DefinitionSmbios smbios;
};

/* The one kind of machine that usher knows, and what its versions begin with. */
#define MACHINE_NEWEST "q35"
#define MACHINE_VERSIONS "pc-q35-"

#define CLOCK_UTC "utc"
#define CLOCK_LOCAL "local" /* what the host's clocks on the wall show */

/* The time zone that Base= names; NULL: none. */
const char *definition_zone(const DefinitionMachine *machine);

/* UUID=, or one that is made from the names of guest and host: a guest keeps it, and no other has it. The
 * caller frees it. */
char *definition_uuid(const GuestDefinition *definition);
