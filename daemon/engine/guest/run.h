/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lives from a guest's start to its rest: the definition and the plan of the start, the journal, QEMU,
 * and all questions to others for this run. The run is made at the start, or when an earlier daemon's run is
 * taken up, and is freed when the guest is at rest, with all questions that are open. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../core/qemu/argv.h"
#include "../../core/record/run-state.h"
#include "../../edge/qemu/guest-log.h"
#include "../../edge/store/journal.h"
#include "../execution/execution.h"
#include "agent.h"
#include "companions.h"
#include "guest.h"
#include "inputs.h"
#include "ladder.h"
#include "medium.h"
#include "plugs.h"
#include "qemu-link.h"
#include "sleeper.h"
#include "start.h"
#include "streams.h"
#include "usbs.h"

/* The launcher, which becomes QEMU. */
typedef struct RunProcess {
    pid_t pid; /* 0: none yet */
    uid_t uid;
    gid_t gid;
    bool watched; /* it is QEMU, and its end will be announced */
} RunProcess;

/* How the guest's system is. */
typedef struct RunCondition {
    RunState state;  /* as QEMU said last */
    bool panicked;   /* since the system booted: it hears nothing any more */
    bool hibernates; /* it has written itself to its disk, and powers off */
    bool unheard; /* found running after a restart of the daemon, and QEMU has not yet told its run state */
    char **warnings; /* what it runs without; NULL: nothing */
    char *trouble;   /* why the guest has to end; NULL: it has not */
} RunCondition;

/* One run of a guest. */
struct Run {
    Guest *guest;

    GuestDefinition *definition; /* NULL: found running, and its file is gone */
    Start start;
    Plan *plan;       /* NULL: found running */
    Journal *journal; /* open from the first step to the last undo */
    Execution *execution;
    bool recovering; /* its process is being looked for */

    RunProcess process;
    Companions *companions;

    GuestLog *console_log;

    QemuLink *link;
    Medium *medium;
    Controls *controls;

    InnerAgent *agent;

    RunCondition condition;
    Sleeper *sleeper;
    Streams *streams;

    Inputs *inputs; /* NULL: not looked for yet */
    Usbs *usbs;     /* likewise */

    bool adopted;  /* found running after a restart of the daemon */
    bool end_owed; /* guest_ended() follows when no step is under way */

    Plugs *plugs;

    Ladder *ladder;
    bool stop_asked;
    sd_event_source *deadline; /* of the state */
};

/* The guest must have no run. In run-parts.c. */
Run *run_new(Guest *guest);
/* Withdraws all its questions, and kills nothing. NULL is fine; returns NULL. */
Run *run_free(Run *run);
/* Closes the connection to QEMU for good; questions that are open fail. */
void run_drop_qmp(Run *run);
