/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-claims.h"

#include "../../base/cleanup.h"

typedef struct DiskClaim {
    char *id, *guest;
    bool writable;
} DiskClaim;

struct DiskClaims {
    GPtrArray *all; /* of DiskClaim, owned */
};

DEFINE_ELEMENT_FREE(DiskClaim, claim_free, claim)
{
    g_free(claim->id);
    g_free(claim->guest);
}

DiskClaims *disk_claims_new(void)
{
    DiskClaims *claims = g_new(DiskClaims, 1);

    claims->all = g_ptr_array_new_with_free_func(claim_free);
    return claims;
}

DEFINE_FREE(DiskClaims, disk_claims_free, claims)
{
    g_ptr_array_unref(claims->all);
}

/* The first claim of another guest that forbids reading the disk, or writing to it. */
static const DiskClaim *find_against(const DiskClaims *claims, const char *id, bool writable,
                                     const char *guest)
{
    for (unsigned i = 0; i < claims->all->len; i++) {
        const DiskClaim *claim = g_ptr_array_index(claims->all, i);
        if (g_str_equal(claim->id, id) && !g_str_equal(claim->guest, guest) && (claim->writable || writable))
            return claim;
    }
    return NULL;
}

const char *disk_claims_against(const DiskClaims *claims, const char *id, bool writable, const char *guest)
{
    const DiskClaim *claim = find_against(claims, id, writable, guest);

    return claim ? claim->guest : NULL;
}

const char *disk_claims_take(DiskClaims *claims, const char *id, bool writable, const char *guest)
{
    const char *against = disk_claims_against(claims, id, writable, guest);
    if (against)
        return against;

    DiskClaim *claim = g_new(DiskClaim, 1);
    *claim = (DiskClaim){g_strdup(id), g_strdup(guest), writable};
    g_ptr_array_add(claims->all, claim);
    return NULL;
}

const char *disk_claims_other(const DiskClaims *claims, const char *id, const char *guest)
{
    return disk_claims_against(claims, id, true, guest);
}

bool disk_claims_has(const DiskClaims *claims, const char *id, const char *guest)
{
    for (unsigned i = 0; i < claims->all->len; i++) {
        const DiskClaim *claim = g_ptr_array_index(claims->all, i);
        if (g_str_equal(claim->guest, guest) && g_str_equal(claim->id, id))
            return true;
    }
    return false;
}

void disk_claims_give_up_one(DiskClaims *claims, const char *id, const char *guest)
{
    for (unsigned i = 0; i < claims->all->len;) {
        const DiskClaim *claim = g_ptr_array_index(claims->all, i);
        if (g_str_equal(claim->guest, guest) && (!id || g_str_equal(claim->id, id)))
            g_ptr_array_remove_index(claims->all, i);
        else
            i++;
    }
}

void disk_claims_give_up(DiskClaims *claims, const char *guest)
{
    disk_claims_give_up_one(claims, NULL, guest);
}
