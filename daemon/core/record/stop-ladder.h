/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of the ways in which a guest is stopped: a pure function of what is known of it. No rung repeats
 * the one before, as asking twice the same way helps nobody; and none is waited for that nobody can hear. */
#pragma once

#include <stdint.h>

#include "run-state.h"

typedef enum StopRung {
    STOP_RUNG_NONE,         /* it does not stop */
    STOP_RUNG_WAKE,         /* a guest that sleeps hears nothing */
    STOP_RUNG_AGENT,        /* the agent inside is asked to shut down */
    STOP_RUNG_POWER_BUTTON, /* ACPI, once */
    STOP_RUNG_QUIT,         /* QMP quit */
    STOP_RUNG_TERMINATE,    /* SIGTERM */
    STOP_RUNG_KILL,         /* SIGKILL */
    STOP_RUNG_MAX,
} StopRung;

/* "", "wake-up", "agent", …: the SubState while a guest stops. */
const char *stop_rung_to_string(StopRung rung);

/* What is known of a guest. */
typedef struct StopView {
    uint64_t usec[STOP_RUNG_MAX]; /* how long each rung may take; 0: it is left out */
    RunState run;
    bool panicked; /* since its system began */
    bool qemu_answers;
    bool agent_open; /* something inside has opened the agent's port */
    bool awake;      /* has been woken for its end, or cannot be woken; not woken once more */
} StopView;

/* The times where no definition says others; without an agent. */
void stop_ladder_default_times(uint64_t ret_usec[STOP_RUNG_MAX]);

/* The first rung from this one on that can be taken; the last one always can. */
StopRung stop_ladder_from(StopRung rung, const StopView *view);

/* The rung to go on with when what is known has changed; the same rung: none. */
StopRung stop_ladder_on(StopRung rung, const StopView *view);

/* How long this rung is waited for. A guest whose system hangs may only have been slow, but is given less. */
uint64_t stop_ladder_patience(StopRung rung, const StopView *view);

/* How long all rungs but the last may take together. */
uint64_t stop_ladder_usec(const StopView *view);

/* Whether the guest's system must do something upon this rung. */
bool stop_rung_asks_guest(StopRung rung);
