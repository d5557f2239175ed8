/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as its file and drop-ins define it, for those who look into it. One table (keys.h) says everything
 * about a key. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "../host/huge-pages.h"
#include "cpu.h"
#include "disk.h"
#include "display.h"
#include "handle.h"
#include "input.h"
#include "machine.h"
#include "network.h"
#include "pci.h"
#include "share.h"
#include "trouble.h"
#include "usb.h"

typedef enum HostSleep {
    HOST_SLEEP_AUTO, /* never seen in a definition that was read */
    HOST_SLEEP_INHIBIT,
    HOST_SLEEP_PAUSE,
    HOST_SLEEP_SHUTDOWN,
    HOST_SLEEP_IGNORE,
    HOST_SLEEP_MAX,
    HOST_SLEEP_INVALID = -EINVAL,
} HostSleep;

typedef enum HostShutdown {
    HOST_SHUTDOWN_STOP,
    HOST_SHUTDOWN_INHIBIT,
    HOST_SHUTDOWN_MAX,
    HOST_SHUTDOWN_INVALID = -EINVAL,
} HostShutdown;

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

/* The sound server that plays for the guest. QEMU speaks PulseAudio's protocol with the first two; with SPICE
 * the viewer plays, and nobody with the last. */
typedef enum SoundType {
    SOUND_NONE,
    SOUND_PIPEWIRE,
    SOUND_PULSEAUDIO,
    SOUND_SPICE,
    SOUND_SILENT,
    SOUND_MAX,
    SOUND_INVALID = -EINVAL,
} SoundType;

struct GuestDefinition {
    char *name;
    char *source;  /* the file it came from, for messages */
    char *host_id; /* what tells this host from others; NULL: nothing. Whoever loads the definition sets it */
    char *description; /* default: the name */
    struct {
        HostSleep host_sleep; /* default: inhibit with devices, ignore without */
        HostShutdown host_shutdown;
        TroubleAction panic;
        TroubleAction watchdog; /* [Watchdog] Action= */
    } on;                       /* what happens to it */
    DefinitionMachine machine;
    bool agent; /* [Agent] Enabled= */
    struct {
        FirmwareType type;      /* default bios */
        bool secure_boot;       /* SecureBoot=, uefi alone */
        FirmwareKeys keys;      /* with secure boot; default enrolled */
        bool menu;              /* BootMenu= */
        uint64_t mmio64;        /* MMIO64=, bytes, uefi alone; 0: the firmware's choice */
        char *code, *variables; /* absolute; NULL: as the host's distribution describes */
    } firmware;
    TpmVersion tpm; /* default none */
    DefinitionCpu cpu;
    struct {
        uint64_t size;        /* bytes, a multiple of 1 MiB; default 2 GiB */
        int node;             /* Node=, and 1; 0: that of the first device, where it matters */
        HugePages huge_pages; /* HugePages=, default no: whatever pages the kernel chooses */
    } memory;
    struct {
        char *image, *initrd; /* absolute; NULL: boots from firmware and disks */
        char *command_line;
    } kernel;
    struct {
        uint64_t agent_usec;        /* AgentSec=, default 30 s; 0: skip the rung */
        uint64_t power_button_usec; /* PowerButtonSec=, default 60 s; 0: skip the rung */
        uint64_t quit_usec;         /* QuitSec=, default 5 s */
        uint64_t terminate_usec;    /* TerminateSec=, default 5 s; then SIGKILL */
    } stop;
    DefinitionDisplay display;
    struct {
        SoundType type; /* default none */
        char *socket;   /* absolute; of a sound server */
    } sound;
    struct {
        uint64_t size; /* bytes, a power of two; 0: none, or the device's */
        char *owner;   /* NULL: root */
        char *device;  /* "/dev/kvmfr0", which has a size of its own; NULL: a file is made */
    } looking_glass;
    bool console_log; /* [Console] Log=, default yes */
    struct {
        GPtrArray *arguments; /* of char*, words; NULL: none */
        GPtrArray *overrides; /* of char*, "DEVICE.PROPERTY=VALUE"; NULL: none */
    } qemu;
    GPtrArray *pci;      /* of DefinitionPci, owned, in the order of the file */
    GPtrArray *disks;    /* of DefinitionDisk */
    GPtrArray *cdroms;   /* of DefinitionCdrom */
    GPtrArray *networks; /* of DefinitionNetwork */
    GPtrArray *inputs;   /* of DefinitionInput */
    GPtrArray *usbs;     /* of DefinitionUsb */
    GPtrArray *shares;   /* of DefinitionShare */
};
