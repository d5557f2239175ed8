/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a right to which IOMMU group, and which host CPUs alone. A claim is made before the first step
 * and given up after the last undo; one guest holds a group at a time. A group that an administrator bound
 * by hand is *held*, which is not a claim: a guest may use it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "../record/owner.h"
#include "../record/step.h"

typedef struct Claims Claims;

Claims *claims_new(void);
Claims *claims_free(Claims *claims);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Claims, claims_free)

/* The owner of a group (record/owner.h), or NULL. */
const char *claims_owner(const Claims *claims, int group);

/* True if taken (or already the owner's), false if somebody else has it; then nothing changed. */
bool claims_take(Claims *claims, int group, const char *owner);

/* Takes all or none. */
bool claims_take_all(Claims *claims, const GArray *groups /* of int */, const char *owner);

/* The groups whose nodes an owner has in these steps (of Step), or has had before. The devices of its other
 * groups came to it by descriptors. */
void claims_note_nodes(Claims *claims, const GPtrArray *steps);
bool claims_has_node(const Claims *claims, int group);
/* Whether an owner has any group. */
bool claims_any(const Claims *claims, const char *owner);

/* Gives up all that an owner has, except these groups. */
void claims_keep(Claims *claims, const GArray *groups /* of int */, const char *owner);

/* Something is made for an owner of a device in this group, which stays with the host: others may have
 * something made of it too, but nobody may take it. What is leant on already stays so. */
void claims_lean(Claims *claims, const GArray *groups /* of int */, const char *owner);
/* Somebody else than that owner who leans on a group, or NULL. */
const char *claims_leaning(const Claims *claims, int group, const char *but_owner);

/* The owner of a host CPU, or NULL. */
const char *claims_cpu_owner(const Claims *claims, unsigned cpu);
/* As claims_take_all(). */
bool claims_take_cpus(Claims *claims, const GArray *cpus /* of unsigned */, const char *owner);

/* Free huge pages of a node that will be an owner's once its QEMU maps them. A new value replaces the old
 * one of that node. subject: as a step names it, "node0/2048kB". */
void claims_set_pages(Claims *claims, const char *subject, uint64_t pages, const char *owner);
/* They are the owner's by now, or nobody's: fine if there were none. */
void claims_drop_pages(Claims *claims, const char *owner);
/* How many are promised to others. */
uint64_t claims_pages(const Claims *claims, const char *subject, const char *but_owner);

/* Memory that an owner will need at once, or has by now (held): the kernel still counts promised memory as
 * left. A new value replaces the old one; 0: none any more. */
void claims_set_memory(Claims *claims, uint64_t bytes, bool held, const char *owner);
/* How much others have been promised, or hold. */
uint64_t claims_memory(const Claims *claims, bool held, const char *but_owner);
/* What an owner was promised is held by now; fine if it was promised nothing. */
void claims_hold_memory(Claims *claims, const char *owner);

/* Gives up everything an owner has; fine if it has nothing. */
void claims_give_up(Claims *claims, const char *owner);
