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
#include "firmware.h"
#include "handle.h"
#include "input.h"
#include "life.h"
#include "machine.h"
#include "network.h"
#include "numa.h"
#include "pci.h"
#include "share.h"
#include "sound.h"
#include "usb.h"

struct GuestDefinition {
    char *name;
    char *source;  /* the file it came from, for messages */
    char *host_id; /* what tells this host from others; NULL: nothing. Whoever loads the definition sets it */
    char *description; /* default: the name */
    DefinitionLife on; /* what happens to it */
    DefinitionMachine machine;
    bool agent; /* [Agent] Enabled= */
    DefinitionFirmware firmware;
    TpmVersion tpm; /* default none */
    DefinitionCpu cpu;
    struct {
        uint64_t size;        /* bytes, a multiple of 1 MiB; default 2 GiB */
        int node;             /* Node=, and 1; 0: that of the first device, where it matters */
        HugePages huge_pages; /* HugePages=, default no: whatever pages the kernel chooses */
        GPtrArray *numa;      /* of DefinitionNuma */
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
    DefinitionSound sound;
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
