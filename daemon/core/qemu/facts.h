/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The abilities of a QEMU binary, as it reports them over QMP; never guessed from its version. A value,
 * written to and read from a cache file, which is of one binary with its modules. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>

#include "../../base/qemu-binary.h"

/* The model with the properties of all. */
#define QEMU_FACTS_CPU "max-x86_64-cpu"

typedef struct QemuFacts {
    char *path;   /* "/usr/bin/qemu-system-x86_64" */
    bool assumed; /* nobody has asked it: it passes for one that has everything */
    QemuBinary binary;
    char *version;     /* "7.2.22 (Debian …)": shown, never decided upon */
    GHashTable *types; /* set of char*: every type that is not abstract: devices ("vfio-pci"), models of CPUs
                        * ("max-x86_64-cpu"), other objects ("iommufd") */
    GHashTable *vfio_properties; /* set of char*: properties of vfio-pci ("x-vga", "iommufd") */
    GHashTable *cpu_properties; /* set of char*: those of its CPUs ("topoext"), whatever the model; empty: not
                                 * known */
    GHashTable *devices; /* char* → char*: a device of qemu_facts_devices, and its properties, a blank before
                          * and after each */
} QemuFacts;

/* Those that a definition can have besides vfio-pci, so that what Set= changes in them can be looked up. NULL
 * ends them. */
extern const char *const qemu_facts_devices[];

/* From QMP answers: query-version's, qom-list-types' and device-list-properties' of vfio-pci and of the CPU
 * QEMU_FACTS_CPU (NULL where it has none), each the whole reply object as text. -EBADMSG if one is not what
 * it should be. */
int qemu_facts_from_replies(const char *path, const QemuBinary *binary, const char *version,
                            const char *types, const char *vfio, const char *cpu, QemuFacts **ret);
/* The reply to device-list-properties for one of qemu_facts_devices. -EBADMSG likewise. */
int qemu_facts_add_device(QemuFacts *facts, const char *type, const char *reply);
bool qemu_facts_have_type(const QemuFacts *facts, const char *type);
/* By the name that QEMU lists, or with underscores as people write it. */
bool qemu_facts_cpu_has(const QemuFacts *facts, const char *property);
/* True, too, if nothing is known of the type. */
bool qemu_facts_device_has(const QemuFacts *facts, const char *type, const char *property);
/* A GStrv of the caller's; NULL: nothing is known of the type. */
char **qemu_facts_device_properties(const QemuFacts *facts, const char *type);
bool qemu_facts_vfio_has(const QemuFacts *facts, const char *property);

/* Whether they are of this binary, as it is now. */
bool qemu_facts_fit(const QemuFacts *facts, const char *path, const QemuBinary *now);

/* Of a QEMU that nobody has asked. */
QemuFacts *qemu_facts_assume(const char *path);

/* As text for the cache file, and back (-EBADMSG). */
char *qemu_facts_to_text(const QemuFacts *facts);
int qemu_facts_from_text(const char *text, QemuFacts **ret);
QemuFacts *qemu_facts_free(QemuFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuFacts, qemu_facts_free)
