/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a start through the rows of its table, without knowing any of them by name. */
#include "private.h"

static void begin(Run *run, const StartPhase *phase)
{
    Guest *g = run->guest;

    run->start.phase = phase;
    phase->begin(run);
    /* The phase is shown if it waits for something, and has not failed. */
    if (g->run && g->run->start.phase == phase)
        guest_announce(g);
}

void start_begin(Run *run)
{
    begin(run, run->start.phases);
}

void start_phase_done(Run *run)
{
    begin(run, run->start.phase + 1);
}

bool start_is_at(const Run *run, StartPhaseAct *phase)
{
    return run->start.phase->begin == phase;
}

const char *start_phase_name(const Run *run)
{
    return run->start.phase->name;
}

void start_call_off(Run *run)
{
    const StartPhase *end = run->start.phases;

    while (end->begin)
        end++;
    for (; end > run->start.phases; end--)
        if (end[-1].call_off)
            end[-1].call_off(run);
}
