/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table of the keys of a guest's definition. Parser, checks and hints read it, and tests hold the
 * manual and the golden files against it. CONTRIBUTING.md says what a new key needs. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum SectionId {
    SECTION_GUEST,
    SECTION_FIRMWARE,
    SECTION_TPM,
    SECTION_CPU,
    SECTION_MEMORY,
    SECTION_NUMA,
    SECTION_CLOCK,
    SECTION_SMBIOS,
    SECTION_KERNEL,
    SECTION_PCI,
    SECTION_DISK,
    SECTION_CDROM,
    SECTION_NETWORK,
    SECTION_INPUT,
    SECTION_USB,
    SECTION_DISPLAY,
    SECTION_SOUND,
    SECTION_LOOKING_GLASS,
    SECTION_SHARE,
    SECTION_CONSOLE,
    SECTION_AGENT,
    SECTION_WATCHDOG,
    SECTION_STOP,
    SECTION_QEMU,
    SECTION_MAX,
    SECTION_INVALID = -EINVAL,
} SectionId;

typedef struct DefinitionSection {
    const char *name;
    unsigned max; /* how many [Name x] there may be; 0: the section has no x */
    size_t array; /* of a section with names: where in GuestDefinition its GPtrArray is, */
    size_t size;  /* and the size of the struct that it holds, whose first member is char *name */
} DefinitionSection;

typedef enum ValueType {
    VALUE_TEXT,      /* char*: one line of at most max bytes */
    VALUE_WORD,      /* char*: letters, digits, and "._-" after the first; at most max bytes */
    VALUE_PATH,      /* char*: absolute, without ".." */
    VALUE_PATHS,     /* GPtrArray* of char*: one more with each value */
    VALUE_NUMBER,    /* unsigned, from min to max */
    VALUE_SIZE,      /* uint64_t bytes, from min to max, a multiple of step */
    VALUE_SPAN,      /* uint64_t microseconds, from min to max (systemd.time(7)) */
    VALUE_SWITCH,    /* bool; words (if any) are those for false and true */
    VALUE_CHOICE,    /* an enum: the place in words */
    VALUE_ADDRESS,   /* PciAddress */
    VALUE_FUNCTIONS, /* uint8_t: bit n for function n, 0 for all */
    VALUE_ID,        /* unsigned: 16 bits in hexadecimal, with VALUE_ID_GIVEN */
    VALUE_CPUS,      /* char*: as cpu_list_parse() takes it */
    VALUE_FEATURES,  /* char*: "+x,-y", kept as "x=on,y=off" */
    VALUE_MAC,       /* char*: a unicast address in lower case */
    VALUE_FORWARD,   /* GPtrArray* of DefinitionForward: one more with each value */
    VALUE_IDENTITY,  /* char*: as fingerprint_of() writes it */
    VALUE_IMAGE,     /* GPtrArray* of DefinitionImage: one more with each value */
    VALUE_ARGUMENTS, /* GPtrArray of char*: words for QEMU's command line */
    VALUE_OVERRIDE,  /* GPtrArray of char*: DEVICE.PROPERTY=VALUE */
    VALUE_USB_ID,    /* char*: "046d:0a8f", in lower case */
    VALUE_USB_PORT,  /* char*: "1-2.3", or "pci-0000:00:14.0-usb-0:2.3" */
    VALUE_UUID,      /* char*: in lower case */
    VALUE_CLOCK,     /* char*: CLOCK_UTC, CLOCK_LOCAL or what may be the name of a time zone */
    VALUE_TYPE_MAX,
    VALUE_TYPE_INVALID = -EINVAL,
} ValueType;

/* Tells an ID of 0 from none. */
#define VALUE_ID_GIVEN 0x10000u

typedef struct DefinitionKey {
    SectionId section;
    const char *name;
    ValueType type;
    size_t offset, width; /* the field: in GuestDefinition, or in the struct of a section with names */
    uint64_t min, max, step;
    const char *const *words; /* NULL-terminated */
    bool required;
    const char *unless;    /* the key of the section that stands in for a required one; NULL: none does */
    bool repeat;           /* assignments add up until an empty one; otherwise the last one counts */
    unsigned most;         /* of one that repeats: how many there may be in a section */
    const char *fallback;  /* the default as one would write it; NULL: the field stays empty */
    const char *otherwise; /* what then happens instead, in words; NULL: nothing */
} DefinitionKey;

/* SECTION_MAX of them, by id. */
extern const DefinitionSection definition_sections[];

/* The rows of a section are neighbours; the sections are in the order of their ids. */
const DefinitionKey *definition_keys(unsigned *ret_n);
/* The rows of one section. */
const DefinitionKey *definition_section_keys(SectionId section, unsigned *ret_n);

/* Case matters. SECTION_INVALID, NULL: not known. */
SectionId definition_section_find(const char *name);
const DefinitionKey *definition_key_find(SectionId section, const char *name);

/* A remedy with the probable meaning ("did you mean Cores=?", "Size= belongs into [Memory]"), or else with
 * the known words. The caller frees it. */
char *definition_section_hint(const char *name);
char *definition_key_hint(SectionId section, const char *name);
