/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pci/pci.h>
#include <setjmp.h>

#include "../../base/cleanup.h"
#include "pci-names.h"

typedef enum NameKind {
    NAME_CLASS,
    NAME_VENDOR,
    NAME_MODEL,
} NameKind;

/* Both map a uint64_t of kind and identifiers to a text. */
struct PciNameTable {
    GHashTable *names;   /* what was learnt */
    GHashTable *numbers; /* what was asked for without that */
};

PciNameTable *pci_name_table_new(void)
{
    PciNameTable *table = g_new0(PciNameTable, 1);
    table->names = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    table->numbers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return table;
}

DEFINE_FREE(PciNameTable, pci_name_table_free, table)
{
    g_hash_table_unref(table->names);
    g_hash_table_unref(table->numbers);
}

static guint64 key_of(NameKind kind, const HostDevice *device)
{
    switch (kind) {
    case NAME_CLASS:
        return (guint64)kind << 32 | device->class >> 8;
    case NAME_VENDOR:
        return (guint64)kind << 32 | device->vendor;
    default:
        return (guint64)kind << 32 | (guint64)device->vendor << 16 | device->device;
    }
}

static const char *lookup(GHashTable *texts, NameKind kind, const HostDevice *device)
{
    guint64 key = key_of(kind, device);
    return g_hash_table_lookup(texts, &key);
}

static const char *remember(GHashTable *texts, NameKind kind, const HostDevice *device, const char *name)
{
    guint64 key = key_of(kind, device);
    char *text = g_strdup(name);
    g_hash_table_replace(texts, g_memdup2(&key, sizeof(key)), text);
    return text;
}

static const char *ask(struct pci_access *access, NameKind kind, const HostDevice *device, char *buffer,
                       int size)
{
    /* NULL says that a name is not known. */
    enum { FLAGS = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB };

    switch (kind) {
    case NAME_CLASS:
        return pci_lookup_name(access, buffer, size, PCI_LOOKUP_CLASS | FLAGS, device->class >> 8);
    case NAME_VENDOR:
        return pci_lookup_name(access, buffer, size, PCI_LOOKUP_VENDOR | FLAGS, device->vendor);
    default:
        return pci_lookup_name(access, buffer, size, PCI_LOOKUP_DEVICE | FLAGS, device->vendor,
                               device->device);
    }
}

static const char *remember_number(GHashTable *texts, NameKind kind, const HostDevice *device)
{
    char number[8];
    unsigned value = kind == NAME_CLASS    ? device->class >> 8
                     : kind == NAME_VENDOR ? device->vendor
                                           : device->device;
    g_snprintf(number, sizeof(number), "%04x", value);
    return remember(texts, kind, device, number);
}

/* libpci ends the process on an error (a broken pci.ids, say) unless its handler does not return. The handler
 * gets nothing of ours. */
static jmp_buf out_of_libpci;

static G_NORETURN void on_error(char *format, ...)
{
    longjmp(out_of_libpci, 1);
}

static void on_warning(char *format, ...)
{
}

/* access NULL: libpci cannot be asked, and numbers have to do. */
static void learn_all(PciNameTable *table, const Host *host, struct pci_access *access)
{
    char buffer[256];

    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        for (NameKind kind = NAME_CLASS; kind <= NAME_MODEL; kind++) {
            if (lookup(table->names, kind, device))
                continue;
            const char *name = access ? ask(access, kind, device, buffer, sizeof(buffer)) : NULL;
            if (name)
                remember(table->names, kind, device, name);
            else
                remember_number(table->names, kind, device);
        }
    }
}

static bool knows_all(const PciNameTable *table, const Host *host)
{
    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        if (!lookup(table->names, NAME_CLASS, device) || !lookup(table->names, NAME_VENDOR, device) ||
            !lookup(table->names, NAME_MODEL, device))
            return false;
    }
    return true;
}

void pci_name_table_learn(PciNameTable *table, const Host *host)
{
    if (knows_all(table, host))
        return;

    /* Without pci_init(): names need no access to the bus, and looking for a way to it can fail. */
    struct pci_access *access = pci_alloc();
    access->error = on_error;
    access->warning = access->debug = on_warning;
    /* Otherwise libpci looks for a cache of names in the home directory. */
    access->id_lookup_mode = 0;
    if (setjmp(out_of_libpci) == 0)
        learn_all(table, host, access);
    else
        learn_all(table, host, NULL);
    pci_cleanup(access);
}

static const char *get(PciNameTable *table, NameKind kind, const HostDevice *device)
{
    const char *text = lookup(table->names, kind, device);
    if (!text)
        text = lookup(table->numbers, kind, device);
    return text ? text : remember_number(table->numbers, kind, device);
}

PciNames pci_name_table_get(PciNameTable *table, const HostDevice *device)
{
    return (PciNames){
        .class = get(table, NAME_CLASS, device),
        .vendor = get(table, NAME_VENDOR, device),
        .model = get(table, NAME_MODEL, device),
    };
}
