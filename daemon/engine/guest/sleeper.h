/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's sleep and shutdown: what OnHostSleep= and OnHostShutdown= say, by logind's locks. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../core/record/guest-state.h"
#include "../engine.h"
#include "control.h"

typedef struct Sleeper Sleeper;

/* How the guest is. */
typedef struct SleeperView {
    GuestState state;
    bool recovering;                   /* QEMU is being looked for after a restart of the daemon */
    const GuestDefinition *definition; /* NULL: its file is gone */
    const GPtrArray *addresses;        /* of char*: of the devices that it has */
    uint64_t stop_usec;                /* how long its stop ladder may take */
} SleeperView;

typedef struct SleeperHandler {
    void (*look)(SleeperView *ret, void *userdata);
    /* Pauses or resumes the guest; calls back, as guest_control(), with asker, which is the sleeper. */
    void (*control)(GuestControl control, GuestControlled controlled, void *asker, void *userdata);
    void (*stop)(void *userdata);
    /* The answer of sleeper_has_paused() may have changed. */
    void (*changed)(void *userdata);
} SleeperHandler;

/* guest: its name; it and handler are borrowed. */
Sleeper *sleeper_new(Engine *engine, const char *guest, const SleeperHandler *handler, void *userdata);
/* Gives up the locks. NULL is fine; returns NULL. */
Sleeper *sleeper_free(Sleeper *sleeper);

/* The host falls asleep or is back, or the guest has changed: has the host wait, and pauses, resumes or stops
 * the guest as the definition says. */
void sleeper_sync(Sleeper *sleeper);
/* The same from the loop, as a state changes in the middle of other work. */
void sleeper_sync_soon(Sleeper *sleeper);

/* The guest stands still for the host's sleep, and goes on when the host is back. */
bool sleeper_has_paused(const Sleeper *sleeper);
/* The guest runs again, or starts anew. */
void sleeper_forget(Sleeper *sleeper);
/* The guest was found paused after a restart of the daemon: was that for the host's sleep? */
void sleeper_recall(Sleeper *sleeper);
