/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A definition while it is read: its sections as far as they were, and where everything stands in the files.
 */
#pragma once

#include "keys.h"
#include "parse.h"
#include "handle.h"

/* A section as far as it was read: [CPU], or one [PCI x]. */
typedef struct ReadSection {
    SectionId id;
    char *name;            /* x; NULL if it has none */
    void *structure;       /* where its fields are; borrowed from the definition */
    DefinitionPlace place; /* of its first header; path NULL as long as there was none */
    DefinitionPlace
        *keys;            /* where each of its keys was assigned last; path NULL: not at all, or given back */
    unsigned *n_assigned; /* how often each was, empty assignments too */
    GArray **repeats; /* of DefinitionPlace, for each of its keys that repeats: where its values stand; else
                         NULL */
} ReadSection;

typedef struct DefinitionReader {
    GuestDefinition *definition;
    GPtrArray *sections; /* of ReadSection, owned; the first SECTION_MAX are those without a name, by id */
    ReadSection *current;
} DefinitionReader;

/* Lower-case letters, digits and dashes, not a dash first. */
bool definition_name_valid(const char *name, size_t max);
/* The sections of a kind that may be there more than once. */
GPtrArray **definition_array(GuestDefinition *definition, SectionId id);

/* NULL: there is none. */
ReadSection *reader_section(const DefinitionReader *reader, SectionId id, const char *name);

/* The place of a key's last assignment, or of its section where it has none. */
DefinitionPlace section_place(const ReadSection *section, const char *key);
/* The same, but NULL where it has none. */
const DefinitionPlace *section_key_place(const ReadSection *section, const char *key);
/* The place of the nth value of a key that repeats. */
DefinitionPlace section_value_place(const ReadSection *section, const char *key, unsigned n);

/* "CPU" or "PCI gpu", for messages and lists. The caller frees it. */
char *section_title(SectionId id, const char *name);

/* FAULT_RAISED with BAD_DEFINITION and "FILE:LINE: …". */
int definition_raise(DefinitionPlace place, Fault **ret_fault, const char *remedy, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
