/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

struct Claims {
    GHashTable *owners; /* group → owner */
    GHashTable *cpus;   /* processor → owner */
};

Claims *claims_new(void)
{
    Claims *claims = g_new0(Claims, 1);
    claims->owners = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    claims->cpus = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    return claims;
}

Claims *claims_free(Claims *claims)
{
    if (!claims)
        return NULL;
    g_hash_table_unref(claims->owners);
    g_hash_table_unref(claims->cpus);
    g_free(claims);
    return NULL;
}

const char *claims_owner(const Claims *claims, int group)
{
    return g_hash_table_lookup(claims->owners, GINT_TO_POINTER(group));
}

static bool claim_free_for(const Claims *claims, int group, const char *owner)
{
    const char *present = claims_owner(claims, group);
    return !present || g_str_equal(present, owner);
}

bool claims_take(Claims *claims, int group, const char *owner)
{
    if (!claim_free_for(claims, group, owner))
        return false;
    g_hash_table_replace(claims->owners, GINT_TO_POINTER(group), g_strdup(owner));
    return true;
}

bool claims_take_all(Claims *claims, const GArray *groups, const char *owner)
{
    for (unsigned i = 0; i < groups->len; i++)
        if (!claim_free_for(claims, g_array_index(groups, int, i), owner))
            return false;
    for (unsigned i = 0; i < groups->len; i++)
        claims_take(claims, g_array_index(groups, int, i), owner);
    return true;
}

const char *claims_cpu_owner(const Claims *claims, unsigned cpu)
{
    return g_hash_table_lookup(claims->cpus, GUINT_TO_POINTER(cpu));
}

bool claims_take_cpus(Claims *claims, const GArray *cpus, const char *owner)
{
    for (unsigned i = 0; i < cpus->len; i++) {
        const char *present = claims_cpu_owner(claims, g_array_index(cpus, unsigned, i));
        if (present && !g_str_equal(present, owner))
            return false;
    }
    for (unsigned i = 0; i < cpus->len; i++)
        g_hash_table_replace(claims->cpus, GUINT_TO_POINTER(g_array_index(cpus, unsigned, i)),
                             g_strdup(owner));
    return true;
}

static gboolean owned_by(gpointer group, gpointer present, gpointer owner)
{
    return g_str_equal(present, owner);
}

void claims_give_up(Claims *claims, const char *owner)
{
    /* owner may be what claims_owner() lent. */
    g_autofree char *name = g_strdup(owner);
    g_hash_table_foreach_remove(claims->owners, owned_by, name);
    g_hash_table_foreach_remove(claims->cpus, owned_by, name);
}
