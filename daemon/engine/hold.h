/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group that an administrator bound to vfio-pci by hand: from the bind to the restore. No guest needs to be
 * there; one may use it. */
#pragma once

#include "../core/plan.h"
#include "engine.h"
#include "job.h"

typedef struct Hold Hold;

/* It has come to rest: bound, or given back and gone (then the callee frees it). */
typedef void (*HoldRested)(Hold *hold, void *userdata);

/* Carries a plan out; what fails is undone. plan and job are taken over. */
int hold_bind(Engine *engine, Plan *plan, Job *job, HoldRested rested, void *userdata, Hold **ret);

/* After a restart of the daemon: what its journal tells is bound whole stays so; half a bind is undone. One
 * that is in use by a guest was whole, whatever a damaged journal tells. */
int hold_recover(Engine *engine, const char *owner, bool in_use, HoldRested rested, void *userdata,
                 Hold **ret);

/* A write to one of its devices, that hung since before a restart of the daemon, came back: goes on. */
void hold_unstuck(Hold *hold);

/* Gives the group back. Job is taken over; the hold must be at rest. */
void hold_restore(Hold *hold, Job *job);

Hold *hold_free(Hold *hold);

const char *hold_owner(const Hold *hold); /* "bind/0000:01:00.0" */
bool hold_at_rest(const Hold *hold);
bool hold_bound(const Hold *hold); /* false once at rest: it is over */
bool hold_covers(const Hold *hold, PciAddress address);
/* Those of its devices that it bound to vfio-pci; of char*, the caller frees the array. */
GPtrArray *hold_driven(const Hold *hold);
/* The undo, as steps; the caller frees the array. */
GPtrArray *hold_plan_restore(const Hold *hold);
