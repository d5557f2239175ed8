/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guest uses which image or disk: one may write, or many may read. And which USB device, by its node,
 * as if it wrote to it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct DiskClaims DiskClaims;

DiskClaims *disk_claims_new(void);
DiskClaims *disk_claims_free(DiskClaims *claims);

/* id: as in DiskSeen. NULL: taken; else the guest whose claim prevents it (borrowed). A guest's own claims
 * prevent nothing of its own. */
const char *disk_claims_take(DiskClaims *claims, const char *id, bool writable, const char *guest);
/* The same without taking it. */
const char *disk_claims_against(const DiskClaims *claims, const char *id, bool writable, const char *guest);
/* Who has it, in whichever way; NULL: nobody but guest. */
const char *disk_claims_other(const DiskClaims *claims, const char *id, const char *guest);
/* Whether a guest has it itself, in whichever way. */
bool disk_claims_has(const DiskClaims *claims, const char *id, const char *guest);
/* What a guest has of this. */
void disk_claims_give_up_one(DiskClaims *claims, const char *id, const char *guest);
/* All that a guest has. */
void disk_claims_give_up(DiskClaims *claims, const char *guest);
