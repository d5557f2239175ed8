/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"

/* UUIDs of usher's are of this name space (RFC 4122, 4.3): a number drawn once. */
static const guint8 name_space[16] = {0x9d, 0x3c, 0x61, 0x0e, 0x52, 0xb7, 0x4f, 0x88,
                                      0xa1, 0x6d, 0xe4, 0x07, 0xc3, 0x5a, 0x2b, 0xf9};

bool definition_mediates(const DefinitionPci *section)
{
    return section->mediated || section->mediated_type;
}

/* Version 5: the first bytes of a SHA-1, but for version and variant. */
static char *uuid_of_name(const char *name)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 hash[20];
    gsize size = sizeof(hash);

    g_checksum_update(checksum, name_space, sizeof(name_space));
    g_checksum_update(checksum, (const guchar *)name, -1);
    g_checksum_get_digest(checksum, hash, &size);
    hash[6] = (hash[6] & 0x0f) | 0x50;
    hash[8] = (hash[8] & 0x3f) | 0x80;

    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < 16; i++)
        g_string_append_printf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", hash[i]);
    return g_string_free(text, FALSE);
}

char *definition_mediated(const GuestDefinition *definition, const DefinitionPci *section)
{
    if (section->mediated)
        return g_strdup(section->mediated);
    g_autofree char *name = g_strjoin("/", definition->name, section->name, definition->host_id, NULL);
    return uuid_of_name(name);
}

/* No section has an empty name. */
char *definition_uuid(const GuestDefinition *definition)
{
    if (definition->machine.uuid)
        return g_strdup(definition->machine.uuid);
    g_autofree char *name = g_strjoin("/", definition->name, "", definition->host_id, NULL);
    return uuid_of_name(name);
}
