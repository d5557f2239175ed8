/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "owner.h"

#define GUEST "guest"
#define BIND "bind"
#define SUFFIX ".journal"

static Owner owner_of(const char *kind, const char *name)
{
    Owner owner;

    g_snprintf(owner.text, sizeof(owner.text), "%s/%s", kind, name);
    return owner;
}

Owner owner_of_guest(const char *name)
{
    return owner_of(GUEST, name);
}

Owner owner_of_bind(const char *address)
{
    return owner_of(BIND, address);
}

/* What stands behind "KIND" and the separator, if there is something. */
static const char *behind(const char *text, const char *kind, char separator)
{
    size_t n = strlen(kind);

    if (!text || strncmp(text, kind, n) != 0 || text[n] != separator || text[n + 1] == '\0')
        return NULL;
    return text + n + 1;
}

const char *owner_guest(const char *owner)
{
    return behind(owner, GUEST, '/');
}

const char *owner_bind(const char *owner)
{
    return behind(owner, BIND, '/');
}

const char *owner_name(const char *owner)
{
    return owner_guest(owner) ?: owner_bind(owner);
}

char *owner_to_file(const char *owner)
{
    const char *name = owner_name(owner);

    if (!name || strchr(name, '/'))
        return NULL;
    return g_strdup_printf("%s-%s" SUFFIX, owner_guest(owner) ? GUEST : BIND, name);
}

char *owner_from_file(const char *file)
{
    const char *guest = behind(file, GUEST, '-'), *name = guest ?: behind(file, BIND, '-');

    if (!name || !g_str_has_suffix(name, SUFFIX) || strlen(name) == strlen(SUFFIX))
        return NULL;
    return g_strdup_printf("%s/%.*s", guest ? GUEST : BIND, (int)(strlen(name) - strlen(SUFFIX)), name);
}
