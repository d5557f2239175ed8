/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of all formats share while they read: the draft, and what is known only at the end, such
 * as which functions make up a card. */
#pragma once

#include "draft.h"

typedef struct CpuWish CpuWish;
typedef struct PciWish PciWish;

/* What the user said beside the file. */
typedef struct ImportOptions {
    char **maps;      /* "STORAGE=PATH", where volumes are; NULL: none */
    const char *host; /* a root to look for devices in, for tests; "" is this host's */
} ImportOptions;

typedef struct Wishes {
    Draft *draft;
    CpuWish *cpu;
    GPtrArray *pci;     /* of PciWish, in the order of the file */
    GHashTable *mapped; /* those of the maps that led somewhere */
    GHashTable *ids;    /* how the source calls a device → usher's id of it, for -set */
    const ImportOptions *options;
    char *name; /* of the guest, as the source has it; NULL: it has none */
} Wishes;

Wishes *wishes_new(const ImportOptions *options);
Wishes *wishes_free(Wishes *wishes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wishes, wishes_free)

/* Writes what waited for the end, and lists what no reader took of the tree. */
void wishes_finish(Wishes *wishes, Node *root);
/* Lists those of another tree. */
void wishes_leave(Wishes *wishes, Node *root);

/* The guest's memory in bytes. */
void wish_memory(Wishes *wishes, guint64 bytes, const Node *from);
/* As many vCPUs as that; a part that is 0 is not said. */
void wish_topology(Wishes *wishes, unsigned cpus, unsigned sockets, unsigned dies, unsigned cores,
                   unsigned threads, const Node *from);
/* "4096M" for bytes. The caller frees it. */
char *wish_size(guint64 bytes);
/* "16G", "8096", "12582912k", with the factor of a bare number. 0: it is no size. */
guint64 wish_parse_size(const char *text, guint64 bare);

/* Lines of [QEMU], which take AllowQemuArguments=yes. */
void wish_argument(Wishes *wishes, const Node *from, const char *words);
void wish_override(Wishes *wishes, const Node *from, const char *id, const char *property, const char *value);

/* Where a storage or pool has a volume: by --map=. NULL: not said. The caller frees it. */
char *wish_mapped(const Wishes *wishes, const char *storage, const char *volume);
/* UEFI, with the firmware's own path if it is not the distribution's, and the file of its variables. */
void wish_uefi(Wishes *wishes, const char *code, const Node *code_from, const char *variables,
               const Node *variables_from);
/* Firmware that is no flash memory: a BIOS, or UEFI by its file's name. */
void wish_bios(Wishes *wishes, const char *file, const Node *from);
/* "pc-q35-6.2", "q35", "pc". */
void wish_machine(Wishes *wishes, const char *machine, const Node *from);
/* The order in which a guest boots, by kinds: "disk", "cd". */
void wish_boot_order(Wishes *wishes, const char *const *kinds, const Node *from);
/* Numbers of all that the guest boots from which [Disk] and its like take: from 1 on, in the same order. */
void wish_boot_numbers(Wishes *wishes);
