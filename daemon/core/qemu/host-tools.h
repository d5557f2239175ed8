/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has for guests beside QEMU: firmware, and the programs that run beside it. A value, found by
 * edge/scan/tools-find.h. */
#pragma once

#include <sys/types.h>

#include "../definition/handle.h"
#include "../host/firmware.h"
#include "virtiofsd.h"

typedef struct HostTools {
    char *state_path;     /* "/var/lib/usher/guests": a folder a guest, for what outlives its runs */
    char *swtpm;          /* the program; NULL: not installed */
    Virtiofsd *virtiofsd; /* NULL: not installed, or it has not been asked yet */
    bool virtiofsd_asked; /* its answer is to come */
    bool dnsmasq, nft;    /* they are installed */
    bool systemd;         /* there are units */
    bool confined;        /* what runs beside QEMU can get no privilege */
    char *(*time)(const char *zone); /* zone_time(), or a clock that stands still */
    uid_t uid;                       /* the guest's user, as whom it all runs; 0 before that is known */
    gid_t gid;
    GPtrArray *firmwares; /* of Firmware, owned, in the order in which they are to be tried */
} HostTools;

HostTools *host_tools_new(const char *state_path);

/* The firmware of a guest, its strings borrowed from both; false: there is none, or it boots with QEMU's own
 * BIOS. */
bool host_tools_firmware(const HostTools *tools, const GuestDefinition *definition, Firmware *ret);

/* The folder with the state of a guest's TPM. The caller frees it. */
char *host_tools_tpm_path(const HostTools *tools, const GuestDefinition *definition);

/* Replaces Type=auto by what this host can do. */
void host_tools_settle(const HostTools *tools, GuestDefinition *definition);

/* All that the definition names besides devices, as file_wishes() lists it, with the firmware it gets. */
GPtrArray *host_tools_file_wishes(const HostTools *tools, const GuestDefinition *definition, bool vhost_net);

/* The file with a guest's own variables. One for each way of booting: those made without keys would leave
 * secure boot without effect. qcow2: its format, else raw. The caller frees it. */
char *host_tools_nvram_path(const HostTools *tools, const GuestDefinition *definition, bool qcow2);

/* What clocks in a time zone show now, as QEMU's -rtc takes it. The caller frees it. NULL: this host knows no
 * such zone. */
char *host_tools_time(const HostTools *tools, const char *zone);

/* FAULT_RAISED if the definition asks for something that the host does not have; the remedy names the
 * package to install. */
int host_tools_check(const HostTools *tools, const GuestDefinition *definition, Fault **ret_fault);

/* Puts a name in the place of each of these that the host lacks, for a command line that is only shown. What
 * host_tools_check() would say is added to notes, of char*. */
void host_tools_assume(HostTools *tools, const GuestDefinition *definition, GPtrArray *notes);

/* NULL is fine; returns NULL. */
HostTools *host_tools_free(HostTools *tools);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostTools, host_tools_free)
