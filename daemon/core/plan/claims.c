/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

#include <stdio.h>

#include "../../base/cleanup.h"

/* The huge pages that one owner has on one node. */
typedef struct PagesClaim {
    char *owner, *subject;
    uint64_t pages;
} PagesClaim;

typedef struct MemoryClaim {
    uint64_t bytes;
    bool held;
} MemoryClaim;

struct Claims {
    GHashTable *owners;  /* group → owner */
    GHashTable *nodes;   /* set of groups that were claimed with their nodes */
    GHashTable *leaning; /* owner → GArray of groups */
    GHashTable *cpus;    /* host CPU → owner */
    GPtrArray *pages;    /* of PagesClaim, owned */
    GHashTable *memory;  /* owner → MemoryClaim, owned */
};

DEFINE_ELEMENT_FREE(PagesClaim, pages_claim_free, claim)
{
    g_free(claim->owner);
    g_free(claim->subject);
}

Claims *claims_new(void)
{
    Claims *claims = g_new0(Claims, 1);
    claims->owners = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    claims->nodes = g_hash_table_new(g_direct_hash, g_direct_equal);
    claims->leaning = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    claims->cpus = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    claims->pages = g_ptr_array_new_with_free_func(pages_claim_free);
    claims->memory = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return claims;
}

DEFINE_FREE(Claims, claims_free, claims)
{
    g_hash_table_unref(claims->owners);
    g_hash_table_unref(claims->nodes);
    g_hash_table_unref(claims->leaning);
    g_hash_table_unref(claims->cpus);
    g_ptr_array_unref(claims->pages);
    g_hash_table_unref(claims->memory);
}

const char *claims_owner(const Claims *claims, int group)
{
    return g_hash_table_lookup(claims->owners, GINT_TO_POINTER(group));
}

static bool claim_free_for(const Claims *claims, int group, const char *owner)
{
    const char *present = claims_owner(claims, group);
    return present ? g_str_equal(present, owner) : !claims_leaning(claims, group, owner);
}

bool claims_take(Claims *claims, int group, const char *owner)
{
    if (!claim_free_for(claims, group, owner))
        return false;
    g_hash_table_replace(claims->owners, GINT_TO_POINTER(group), g_strdup(owner));
    return true;
}

void claims_note_nodes(Claims *claims, const GPtrArray *steps)
{
    for (unsigned i = 0; i < steps->len; i++) {
        const Step *step = g_ptr_array_index(steps, i);
        int group;
        if (step->kind == STEP_NODE_OWNER && sscanf(step->subject, "/dev/vfio/%d", &group) == 1)
            g_hash_table_add(claims->nodes, GINT_TO_POINTER(group));
    }
}

bool claims_has_node(const Claims *claims, int group)
{
    return g_hash_table_contains(claims->nodes, GINT_TO_POINTER(group));
}

bool claims_any(const Claims *claims, const char *owner)
{
    GHashTableIter iter;
    const char *present;

    g_hash_table_iter_init(&iter, claims->owners);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&present))
        if (g_str_equal(present, owner))
            return true;
    return false;
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

void claims_lean(Claims *claims, const GArray *groups, const char *owner)
{
    GArray *all = g_hash_table_lookup(claims->leaning, owner);

    if (!all) {
        all = g_array_new(FALSE, FALSE, sizeof(int));
        g_hash_table_insert(claims->leaning, g_strdup(owner), all);
    }
    g_array_append_vals(all, groups->data, groups->len);
}

const char *claims_leaning(const Claims *claims, int group, const char *but_owner)
{
    GHashTableIter iter;
    const char *owner;
    const GArray *groups;

    g_hash_table_iter_init(&iter, claims->leaning);
    while (g_hash_table_iter_next(&iter, (void **)&owner, (void **)&groups))
        for (unsigned i = 0; !g_str_equal(owner, but_owner) && i < groups->len; i++)
            if (g_array_index(groups, int, i) == group)
                return owner;
    return NULL;
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

void claims_set_pages(Claims *claims, const char *subject, uint64_t pages, const char *owner)
{
    for (unsigned i = 0; i < claims->pages->len; i++) {
        PagesClaim *claim = g_ptr_array_index(claims->pages, i);
        if (g_str_equal(claim->owner, owner) && g_str_equal(claim->subject, subject)) {
            claim->pages = pages;
            return;
        }
    }
    PagesClaim *claim = g_new(PagesClaim, 1);
    *claim = (PagesClaim){g_strdup(owner), g_strdup(subject), pages};
    g_ptr_array_add(claims->pages, claim);
}

void claims_drop_pages(Claims *claims, const char *owner)
{
    for (unsigned i = claims->pages->len; i-- > 0;)
        if (g_str_equal(((PagesClaim *)g_ptr_array_index(claims->pages, i))->owner, owner))
            g_ptr_array_remove_index_fast(claims->pages, i);
}

uint64_t claims_pages(const Claims *claims, const char *subject, const char *but_owner)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < claims->pages->len; i++) {
        const PagesClaim *claim = g_ptr_array_index(claims->pages, i);
        if (!g_str_equal(claim->owner, but_owner) && g_str_equal(claim->subject, subject))
            sum += claim->pages;
    }
    return sum;
}

void claims_set_memory(Claims *claims, uint64_t bytes, bool held, const char *owner)
{
    if (bytes == 0) {
        g_hash_table_remove(claims->memory, owner);
        return;
    }
    MemoryClaim *claim = g_new(MemoryClaim, 1);
    *claim = (MemoryClaim){bytes, held};
    g_hash_table_replace(claims->memory, g_strdup(owner), claim);
}

uint64_t claims_memory(const Claims *claims, bool held, const char *but_owner)
{
    GHashTableIter iter;
    const char *owner;
    const MemoryClaim *claim;
    uint64_t sum = 0;

    g_hash_table_iter_init(&iter, claims->memory);
    while (g_hash_table_iter_next(&iter, (void **)&owner, (void **)&claim))
        if (!g_str_equal(owner, but_owner) && claim->held == held)
            sum += claim->bytes;
    return sum;
}

void claims_hold_memory(Claims *claims, const char *owner)
{
    MemoryClaim *claim = g_hash_table_lookup(claims->memory, owner);

    if (claim)
        claim->held = true;
}

typedef struct Keep {
    const char *owner;
    const GArray *groups;
} Keep;

static gboolean not_kept(gpointer group, gpointer present, gpointer userdata)
{
    const Keep *keep = userdata;

    for (unsigned i = 0; i < keep->groups->len; i++)
        if (g_array_index(keep->groups, int, i) == GPOINTER_TO_INT(group))
            return false;
    return g_str_equal(present, keep->owner);
}

static gboolean unowned(gpointer group, gpointer value, gpointer claims)
{
    return !claims_owner(claims, GPOINTER_TO_INT(group));
}

void claims_keep(Claims *claims, const GArray *groups, const char *owner)
{
    Keep keep = {owner, groups};

    g_hash_table_foreach_remove(claims->owners, not_kept, &keep);
    g_hash_table_foreach_remove(claims->nodes, unowned, claims);
}

static gboolean owned_by(gpointer group, gpointer present, gpointer owner)
{
    return g_str_equal(present, owner);
}

void claims_give_up(Claims *claims, const char *owner)
{
    /* owner may be a string that claims_owner() lent. */
    g_autofree char *name = g_strdup(owner);
    g_hash_table_foreach_remove(claims->owners, owned_by, name);
    g_hash_table_foreach_remove(claims->nodes, unowned, claims);
    g_hash_table_remove(claims->leaning, name);
    g_hash_table_foreach_remove(claims->cpus, owned_by, name);
    claims_drop_pages(claims, name);
    g_hash_table_remove(claims->memory, name);
}
