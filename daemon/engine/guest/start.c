/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private.h"

/* The start, from the first row to the last. To put a phase in between is one row. */
static const struct {
    const char *name; /* SubState */
    StartPhaseBegin *begin, *call_off;
} phases[] = {
    /* What is missing or in use refuses the start: nothing has been touched yet. */
    {"holders", phase_holders, phase_holders_off},
    {"disks", phase_disks, phase_disks_off},
    {"looking-glass", phase_kvmfr, phase_opener_off},
    {"sound", phase_sound, phase_sound_off},
    /* The unit comes up while the devices change hands: neither waits for the other. */
    {"unit", phase_unit, phase_unit_off},
    {"devices", phase_steps, NULL},
    {"launcher", phase_launcher, NULL},
    {"qemu-abilities", phase_facts, phase_facts_off},
    {"files", phase_files, phase_files_off},
    {"companions", phase_companions, NULL},
    {"qemu", phase_launch, NULL},
    {"pinning", phase_pin, phase_pin_off},
    /* It ends the start when the guest's vCPUs run. */
    {"run", phase_run, NULL},
};

static void begin(Run *run, unsigned phase)
{
    Guest *g = run->guest;

    run->start.phase = phase;
    phases[phase].begin(run);
    /* Shown if it waits for something, and has not failed. */
    if (g->run && g->run->start.phase == phase)
        guest_announce(g);
}

void start_begin(Run *run)
{
    begin(run, 0);
}

void start_phase_done(Run *run)
{
    begin(run, run->start.phase + 1);
}

bool start_is_at(const Run *run, StartPhaseBegin *phase)
{
    return phases[run->start.phase].begin == phase;
}

const char *start_phase_name(const Run *run)
{
    return phases[run->start.phase].name;
}

void start_call_off(Run *run)
{
    for (unsigned i = G_N_ELEMENTS(phases); i > 0; i--)
        if (phases[i - 1].call_off)
            phases[i - 1].call_off(run);
}
