/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's way from a plan to a system that runs: one phase after the other, as the table in start.c has
 * them. A phase knows neither the one before it nor the one after: it says start_phase_done(), or fails the
 * guest. */
#pragma once

#include "../../core/qemu/argv.h"
#include "../../edge/helper/channel.h"
#include "../gate/file-gate.h"
#include "../gate/holder-gate.h"
#include "../opener.h"

typedef struct Run Run;

/* The guest's unit, in this run. */
typedef enum GuestUnit {
    GUEST_UNIT_UNASKED,
    GUEST_UNIT_ASKED, /* systemd's answer is owed: a launcher that is here may yet be one of an earlier run */
    GUEST_UNIT_ACCEPTED,
} GuestUnit;

typedef void StartPhaseAct(Run *run);

typedef struct StartPhase {
    const char *name; /* SubState */
    StartPhaseAct *begin, *call_off;
} StartPhase;

/* What the phases share. */
typedef struct Start {
    const StartPhase *phases; /* the table, which ends with an empty row */
    const StartPhase *phase;  /* the one that was begun last */
    bool by_unit;             /* its launcher came first */
    GuestUnit unit;
    HolderGate *gate;
    HostTools *tools;     /* what the host has for it beside QEMU */
    FileGate *files;      /* the files that are opened before the first step, until QEMU has them */
    int nvram_fd;         /* and the variables of its firmware; -1: none */
    Opener *opener;       /* of a link that a step has made; NULL: nothing is asked */
    QemuCommand *command; /* the command that is being prepared, and the descriptors for it */
    GArray *fds;          /* of int, owned */
    Channel *launch;      /* the launcher, until QEMU takes its place, or its vCPUs are pinned */
    GPtrArray *place;     /* of char*: the words that say which thread goes where */
} Start;

/* start.c */
extern const StartPhase start_phases[];

/* phase.c */
/* Begins with the first phase. */
void start_begin(Run *run);
/* The phase that was begun last is done: the next one begins. May be called from within its begin. */
void start_phase_done(Run *run);
/* Whether the phase with this begin was begun last. */
bool start_is_at(const Run *run, StartPhaseAct *phase);
/* The name of the phase. */
const char *start_phase_name(const Run *run);
/* Withdraws the open questions of all phases, and frees what they had for QEMU. Fine at any time. */
void start_call_off(Run *run);

/* Each begins a phase; the call of the same name withdraws the phase's questions, and closes what it has
 * opened. */
StartPhaseAct phase_holders, phase_holders_off;                    /* look.c */
StartPhaseAct phase_files, phase_files_off;                        /* files.c */
StartPhaseAct phase_unit, phase_unit_off;                          /* unit.c */
StartPhaseAct phase_steps;                                         /* steps.c */
StartPhaseAct phase_launcher;                                      /* unit.c */
StartPhaseAct phase_abilities, phase_command, phase_abilities_off; /* facts.c */
StartPhaseAct phase_links, phase_links_off;                        /* links.c */
StartPhaseAct phase_display;                                       /* display.c */
StartPhaseAct phase_companions;                                    /* run-companions.c */
StartPhaseAct phase_launch;                                        /* launch.c */
StartPhaseAct phase_pin, phase_pin_off;                            /* pin.c */
StartPhaseAct phase_run;                                           /* launch.c */
