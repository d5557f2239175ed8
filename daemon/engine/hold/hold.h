/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group that an administrator bound to vfio-pci by hand: from the bind to the restore. No guest needs to be
 * there; one may use it. */
#pragma once

#include "../../core/plan/plan.h"
#include "../engine.h"
#include "../job.h"

typedef struct Hold Hold;

typedef struct HoldHandler {
    /* The hold is about to give its devices back without a request: claims their groups. False: somebody else
     * has one of them, and nothing is done. */
    bool (*claim)(Hold *hold, void *userdata);
    /* The hold is at rest: bound, or given back and gone (then the callee frees it). Claims may be given
     * up. */
    void (*rested)(Hold *hold, void *userdata);
} HoldHandler;

/* Carries out a plan whose groups are claimed, and undoes it if it fails. plan and job are taken over;
 * handler is static. */
int hold_bind(Engine *engine, Plan *plan, Job *job, const HoldHandler *handler, void *userdata, Hold **ret);

/* After a restart of the daemon: a bind that its journal shows whole stays; half a bind is undone. If a guest
 * has its group, the bind was whole, whatever a damaged journal says. */
int hold_recover(Engine *engine, const char *owner, const HoldHandler *handler, void *userdata, Hold **ret);

/* A write to one of its devices, which had hung since before a restart of the daemon, came back: goes on. */
void hold_unstuck(Hold *hold);

/* Gives back the group, which the caller has claimed. Job is taken over; the hold must be at rest. */
void hold_restore(Hold *hold, Job *job);

Hold *hold_free(Hold *hold);

const char *hold_owner(const Hold *hold); /* "bind/0000:01:00.0" */
bool hold_at_rest(const Hold *hold);
bool hold_bound(const Hold *hold); /* false once at rest: it is over */
bool hold_covers(const Hold *hold, PciAddress address);
/* The device that the bind was asked for, and those it changed; of char*, the caller frees the array. */
GPtrArray *hold_devices(const Hold *hold);
/* Those of its devices that it bound to vfio-pci; of char*, the caller frees the array. */
GPtrArray *hold_driven(const Hold *hold);
/* The undo, as steps; the caller frees the array. */
GPtrArray *hold_plan_restore(const Hold *hold);
