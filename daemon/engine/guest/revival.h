/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest that has ended is to be started again (OnReboot=, OnPowerOff=, OnCrash=), and how often
 * that was done lately. RUN/guests/NAME/again has it for the next daemon, until the guest runs again. */
#pragma once

#include <glib.h>

#include "../../base/fault.h"
#include "../../core/definition/life.h"

/* A guest may be started again so many times within this time: Windows' updates reboot two or three times. */
#define REVIVALS_MAX 5
#define REVIVALS_SECONDS 300

typedef struct Revival Revival;

/* folder: of all guests, borrowed, as the name is. */
Revival *revival_new(int folder_fd, const char *guest);
/* NULL is fine; returns NULL. */
Revival *revival_free(Revival *revival);
/* After a restart of the daemon. */
void revival_recall(Revival *revival);

/* The guest comes to such an end, and is to be started again. may_stop: as for its last start; may be NULL.
 */
void revival_owe(Revival *revival, GuestEnd end, char *const *may_stop);
/* How it ended, if it is to be started again; else GUEST_END_OTHER. */
GuestEnd revival_owed(const Revival *revival);
/* Units that may be stopped for that start; NULL: none. Borrowed. */
char **revival_may_stop(const Revival *revival);
/* It runs, or is not to be started again. */
void revival_settle(Revival *revival);

/* Counts the start that is owed, which begins next. FAULT_GUEST_FAILED: there were too many. */
int revival_count(Revival *revival, Fault **ret_fault);
/* A start begins. by_person: unless it is the one that was counted, the count begins anew. */
void revival_begin(Revival *revival, bool by_person);
/* The guest is at rest. well: nothing prevents a start that is owed; one that has begun is owed no more. */
void revival_rest(Revival *revival, bool well);
