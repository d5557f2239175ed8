/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private.h"

/* The start, from the first row to the last. To put a phase in between is one row. */
const StartPhase start_phases[] = {
    /* What is missing or in use, or what QEMU cannot do, refuses the start: nothing has been touched yet. */
    {"holders", phase_holders, phase_holders_off},
    {"files", phase_files, phase_files_off},
    {"qemu-abilities", phase_abilities, phase_abilities_off},
    /* The unit comes up while the devices change hands: neither waits for the other. */
    {"unit", phase_unit, phase_unit_off},
    {"devices", phase_steps, NULL},
    {"launcher", phase_launcher, NULL},
    {"command", phase_command, phase_abilities_off},
    {"links", phase_links, phase_links_off},
    {"display", phase_display, NULL},
    {"companions", phase_companions, NULL},
    {"qemu", phase_launch, NULL},
    {"pinning", phase_pin, phase_pin_off},
    /* It ends the start when the guest's vCPUs run. */
    {"run", phase_run, NULL},
    {},
};
