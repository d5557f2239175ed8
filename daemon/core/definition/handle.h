/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A definition for those who pass it on: how it is read and told, and what its sections are called. What
 * stands in it is in definition.h. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../base/fault.h"

#define GUEST_NAME_MAX 63

/* How the guest's screen is seen from outside. */
typedef enum DisplayType {
    DISPLAY_NONE, /* it has none but its devices' own */
    DISPLAY_VNC,
    DISPLAY_SPICE,
    DISPLAY_MAX,
    DISPLAY_INVALID = -EINVAL,
} DisplayType;

typedef struct GuestDefinition GuestDefinition;
typedef struct DefinitionCpu DefinitionCpu;
typedef struct DefinitionMachine DefinitionMachine;
typedef struct DefinitionPci DefinitionPci;
typedef struct DefinitionDisk DefinitionDisk;
typedef struct DefinitionNetwork DefinitionNetwork;
typedef struct DefinitionInput DefinitionInput;
typedef struct DefinitionUsb DefinitionUsb;
typedef struct DefinitionShare DefinitionShare;
typedef struct DefinitionCdrom DefinitionCdrom;

/* What a definition may have in all, and how often a key may be written in one section. */
#define DEFINITION_KIB_MAX 256
#define DEFINITION_SIZE_MAX (DEFINITION_KIB_MAX * 1024)
#define DEFINITION_DROP_INS_MAX 64
#define DEFINITION_ASSIGNMENTS_MAX 512

/* One text to parse: the file itself first, then its drop-ins in their order. */
typedef struct DefinitionText {
    const char *path; /* for messages; "/etc/usher/guests/win10.guest" */
    const char *text;
    size_t size; /* NUL bytes inside are an error with their line */
} DefinitionText;

/* The guest's name, which lives as long as the definition. */
const char *definition_name(const GuestDefinition *definition);

/* Says what tells the host from others (host_id_read(); NULL: nothing), for what is made of names. */
void definition_set_host(GuestDefinition *definition, const char *host_id);

/* Fills in what [SMBIOS] Host=yes has the guest know of the host: look gets an attribute's name as
 * dmi_read(), which it is where there is a host. */
void definition_fill_smbios(GuestDefinition *definition, char *(*look)(const char *name));

/* How many PCI devices can be plugged in while the guest runs. */
unsigned definition_spare_ports(const GuestDefinition *definition);

/* It changes what usher would do with QEMU. */
bool definition_tainted(const GuestDefinition *definition);

/* "none", "vnc", "spice" */
const char *display_type_to_string(DisplayType type);

/* ^[a-z0-9][a-z0-9-]{0,62}$ */
bool guest_name_valid(const char *name);

/* Parses and checks. As in systemd's unit files, a later assignment of a key overrides an earlier one, an
 * empty one restores the default, lines may be continued with a backslash, # and ; start comments. Unknown
 * sections and keys are errors. FAULT_RAISED with INVALID_NAME or BAD_DEFINITION: "win10.guest:12: [CPU]
 * Coers= is not known", remedy "did you mean Cores=?". The fault is about the first mistake. Whether files
 * and devices exist is not checked here. */
int definition_parse(const char *name, const DefinitionText *texts, size_t n_texts, GuestDefinition **ret,
                     Fault **ret_fault);
/* For one more owner, who frees it likewise. */
GuestDefinition *definition_ref(const GuestDefinition *definition);
GuestDefinition *definition_free(GuestDefinition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestDefinition, definition_free)

/* MAC= of a card, or else an address made from the names of guest and section and host_id: a card keeps it,
 * and no other card has it. The caller frees it. */
char *definition_mac(const GuestDefinition *definition, const DefinitionNetwork *network);

/* The UUID of that: MediatedDevice=, or one made likewise: a guest's mediated device keeps it, and no other
 * has it. The caller frees it. */
char *definition_mediated(const GuestDefinition *definition, const DefinitionPci *section);

/* The host CPUs for one vCPU, counted from 0: one each if Pin= names as many as the guest has vCPUs or fewer,
 * else all that it names. NULL without Pin=, and for those that fewer leave over: any. The caller frees it.
 */
char *definition_pin(const GuestDefinition *definition, unsigned cpu);

/* Whether another process than QEMU maps the guest's memory: a vhost-user server, which gets its descriptor
 * (QEMU's docs/system/devices/vhost-user.rst). ivshmem does not need it, as it has memory of its own. */
bool definition_shares_memory(const GuestDefinition *definition);

/* What is set, and where: for `usherctl show`. */
typedef struct DefinitionLine {
    char *section; /* "PCI gpu" */
    char *key;
    char *value;
    char *path;
    unsigned line;
} DefinitionLine;

/* The effective assignments in the order of sections and keys as written. Takes what definition_parse()
 * accepted; -EBADMSG for other text. */
int definition_lines(const DefinitionText *texts, size_t n_texts,
                     GPtrArray **ret /* of DefinitionLine, owned */);
