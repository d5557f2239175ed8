/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "absent.h"

#include <string.h>

#include "definition.h"

/* One section that may be missing. */
typedef struct Part {
    const char *key, *path, *instead;
    bool *absent;
} Part;

/* What follows the kind of section in its title; NULL: the section is of another kind. */
static const char *name_of(const char *section, const char *kind)
{
    size_t length = strlen(kind);

    return strncmp(section, kind, length) == 0 && section[length] == ' ' ? section + length + 1 : NULL;
}

/* The first member of each is its name. */
static void *find(const GPtrArray *array, const char *name)
{
    for (unsigned i = 0; i < array->len; i++)
        if (g_str_equal(*(char **)g_ptr_array_index(array, i), name))
            return g_ptr_array_index(array, i);
    g_assert_not_reached();
}

static Part find_part(const GuestDefinition *definition, const char *section)
{
    const char *name;

    if ((name = name_of(section, "Disk"))) {
        DefinitionDisk *disk = find(definition->disks, name);
        return (Part){"Path", disk->path, "the guest is without the disk", &disk->absent};
    }
    if ((name = name_of(section, "CDROM"))) {
        DefinitionCdrom *cdrom = find(definition->cdroms, name);
        return (Part){"Path", cdrom->path, "the drive is empty", &cdrom->absent};
    }
    if ((name = name_of(section, "Share"))) {
        DefinitionShare *share = find(definition->shares, name);
        return (Part){"Path", share->path, "the guest is without the folder", &share->absent};
    }
    g_assert(g_str_equal(section, "Sound"));
    return (Part){"Socket", definition->sound.socket, "nobody hears the guest",
                  (bool *)&definition->sound.absent};
}

char *definition_absent_words(const GuestDefinition *definition, const char *section)
{
    Part part = find_part(definition, section);

    return g_strdup_printf("[%s] %s=%s is not there; %s", section, part.key, part.path, part.instead);
}

void definition_set_absent(GuestDefinition *definition, const char *section)
{
    *find_part(definition, section).absent = true;
}
