/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stop-ladder.h"

#include <glib.h>

/* A system whose watchdog ran out may only have been slow; it gets no more time than this. */
#define HANGS_USEC (10 * G_USEC_PER_SEC)

/* Whom a rung needs. */
typedef enum Needs {
    QEMU = 1,    /* answers */
    AGENT = 2,   /* has its port open */
    SLEEPER = 4, /* only fits a guest that is asleep */
    HEARER = 8,  /* the guest's system has to react */
} Needs;

static const struct {
    const char *name;
    uint64_t usec;
    Needs needs;
} rungs[STOP_RUNG_MAX] = {
    [STOP_RUNG_NONE] = {"", 0, 0},
    /* QEMU reports at once that it has woken the guest. */
    [STOP_RUNG_WAKE] = {"wake-up", 5 * G_USEC_PER_SEC, QEMU | SLEEPER},
    [STOP_RUNG_AGENT] = {"agent", 0, QEMU | AGENT | HEARER},
    [STOP_RUNG_POWER_BUTTON] = {"power-button", 60 * G_USEC_PER_SEC, QEMU | HEARER},
    [STOP_RUNG_QUIT] = {"quit", 5 * G_USEC_PER_SEC, QEMU},
    [STOP_RUNG_TERMINATE] = {"terminate", 5 * G_USEC_PER_SEC, 0},
    [STOP_RUNG_KILL] = {"kill", 10 * G_USEC_PER_SEC, 0},
};

const char *stop_rung_to_string(StopRung rung)
{
    return rungs[rung].name;
}

void stop_ladder_default_times(uint64_t ret_usec[STOP_RUNG_MAX])
{
    for (StopRung rung = STOP_RUNG_NONE; rung < STOP_RUNG_MAX; rung++)
        ret_usec[rung] = rungs[rung].usec;
}

bool stop_rung_asks_guest(StopRung rung)
{
    return rungs[rung].needs & HEARER;
}

/* 0: it would be left out. */
static uint64_t time_of(StopRung rung, const StopView *view)
{
    return rungs[rung].needs & SLEEPER && view->run.kind != RUN_SLEEPS ? 0 : view->usec[rung];
}

static bool can_be_taken(StopRung rung, const StopView *view)
{
    Needs needs = rungs[rung].needs;

    return time_of(rung, view) > 0 && (view->qemu_answers || !(needs & QEMU)) &&
           (view->agent_open || !(needs & AGENT));
}

StopRung stop_ladder_from(StopRung rung, const StopView *view)
{
    while (rung < STOP_RUNG_KILL && !can_be_taken(rung, view))
        rung++;
    return rung;
}

StopRung stop_ladder_on(StopRung rung, const StopView *view)
{
    if (rung == STOP_RUNG_WAKE)
        return view->run.kind == RUN_GOES || view->awake ? STOP_RUNG_AGENT : rung;
    if (!stop_rung_asks_guest(rung))
        return rung;
    if (view->run.kind == RUN_SLEEPS && !view->awake)
        return STOP_RUNG_WAKE;
    return view->panicked || !run_state_hears(view->run) ? STOP_RUNG_QUIT : rung;
}

uint64_t stop_ladder_patience(StopRung rung, const StopView *view)
{
    uint64_t usec = time_of(rung, view);

    return view->run.kind == RUN_HANGS && rung < STOP_RUNG_QUIT ? MIN(usec, HANGS_USEC) : usec;
}

uint64_t stop_ladder_usec(const StopView *view)
{
    uint64_t sum = 0;

    for (StopRung rung = STOP_RUNG_NONE; rung < STOP_RUNG_KILL; rung++)
        sum += time_of(rung, view);
    return sum;
}
