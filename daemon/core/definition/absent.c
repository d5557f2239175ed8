/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "absent.h"

#include <string.h>

#include "definition.h"

static const struct {
    const char *kind, *instead;
} instead[] = {
    {"Disk", "the guest is without the disk"},
    {"CDROM", "the drive is empty"},
    {"Share", "the guest is without the folder"},
    {"Sound", "nobody hears the guest"},
};

/* What follows the kind of section in its title; NULL: the section is of another kind. */
static const char *name_of(const char *section, const char *kind)
{
    size_t length = strlen(kind);

    return strncmp(section, kind, length) == 0 && section[length] == ' ' ? section + length + 1 : NULL;
}

char *definition_absent_words(const char *section, const char *key, const char *path)
{
    size_t i = 0;

    while (!g_str_equal(section, instead[i].kind) && !name_of(section, instead[i].kind))
        g_assert(++i < G_N_ELEMENTS(instead));
    return g_strdup_printf("[%s] %s=%s is not there; %s", section, key, path, instead[i].instead);
}

/* The first member of each is its name. */
static void *find(const GPtrArray *array, const char *name)
{
    for (unsigned i = 0; i < array->len; i++)
        if (g_str_equal(*(char **)g_ptr_array_index(array, i), name))
            return g_ptr_array_index(array, i);
    g_assert_not_reached();
}

void definition_set_absent(GuestDefinition *definition, const char *section)
{
    const char *name;

    if ((name = name_of(section, "Disk")))
        ((DefinitionDisk *)find(definition->disks, name))->absent = true;
    else if ((name = name_of(section, "CDROM")))
        ((DefinitionCdrom *)find(definition->cdroms, name))->absent = true;
    else if ((name = name_of(section, "Share")))
        ((DefinitionShare *)find(definition->shares, name))->absent = true;
    else
        definition->sound.absent = true;
}
