/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reader.h"

#include <stdarg.h>

ReadSection *reader_section(const DefinitionReader *reader, SectionId id, const char *name)
{
    for (unsigned i = 0; i < reader->sections->len; i++) {
        ReadSection *section = g_ptr_array_index(reader->sections, i);
        if (section->id == id && g_strcmp0(section->name, name) == 0)
            return section;
    }
    return NULL;
}

static unsigned key_index(const ReadSection *section, const char *key)
{
    unsigned n;

    return definition_key_find(section->id, key) - definition_section_keys(section->id, &n);
}

const DefinitionPlace *section_key_place(const ReadSection *section, const char *key)
{
    const DefinitionPlace *place = &section->keys[key_index(section, key)];

    return place->path ? place : NULL;
}

DefinitionPlace section_place(const ReadSection *section, const char *key)
{
    const DefinitionPlace *place = section_key_place(section, key);

    return place ? *place : section->place;
}

DefinitionPlace section_value_place(const ReadSection *section, const char *key, unsigned n)
{
    return g_array_index(section->repeats[key_index(section, key)], DefinitionPlace, n);
}

char *section_title(SectionId id, const char *name)
{
    return name ? g_strdup_printf("%s %s", definition_sections[id].name, name)
                : g_strdup(definition_sections[id].name);
}

int definition_raise(DefinitionPlace place, Fault **ret_fault, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fault_raise(ret_fault, FAULT_BAD_DEFINITION, remedy, "%s:%u: %s", place.path, place.line, text);
}
