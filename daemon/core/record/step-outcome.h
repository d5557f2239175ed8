/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the answer to a step means, for a plan that is carried out and for a journal that is undone: done,
 * drift, somebody else's by now, short of the request, or to be tried again; and the words for it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../base/fault.h"
#include "step.h"

typedef enum WorkerVerdict {
    WORKER_DONE,   /* acted; live equals what was to be, or is what came of it: compare */
    WORKER_DRIFT,  /* not touched: live is not `before` */
    WORKER_FAILED, /* error says why; live is what it looks like now */
    WORKER_LOST,   /* the process went away: only looking again tells. The worker is gone with it: nothing to
                      release */
    /* usher-bind does not give these answers: */
    WORKER_STUCK,   /* not back from the kernel in time */
    WORKER_GONE,    /* had gone before the step was sent */
    WORKER_NONE,    /* could not be started: message says why */
    WORKER_REFUSED, /* the step was not sent: error says why */
} WorkerVerdict;

typedef struct WorkerAnswer {
    WorkerVerdict verdict;
    int error;                /* negative errno for WORKER_FAILED and WORKER_REFUSED */
    const char *live;         /* as step_view() takes it; NULL: not there, or unknown */
    const GPtrArray *holders; /* for WORKER_FAILED: who has a disk that would have lost its driver (of Holder,
                                 borrowed); NULL otherwise */
    const char *message;      /* of who started it; may be NULL */
} WorkerAnswer;

/* The circumstances in which a step is taken. */
typedef struct StepTaking {
    const char *owner;    /* of the journal: "guest/win10", "bind/0000:01:00.0" */
    bool backward;        /* an undo; the step is swapped already */
    bool believe_kernel;  /* an administrator asked for this undo by name */
    bool may_count_again; /* a counted step may be taken upon another number */
    bool may_try_again;   /* another worker may be asked */
    uint64_t stuck_usec;  /* how long WORKER_STUCK was waited for */
} StepTaking;

typedef enum StepEnd {
    STEP_END_DONE,        /* the journal says so, and the next step follows */
    STEP_END_COUNT_AGAIN, /* somebody else changed the number: the step is taken upon what is there now */
    STEP_END_TRY_AGAIN,   /* the step is taken by another worker, which looks first */
    STEP_END_UNTOUCHED,   /* a plan ends, and nothing of this step is to be undone */
    STEP_END_SHORT,       /* a plan ends, and live is what is to be undone */
    STEP_END_FAILED,      /* a plan ends; an undo leaves the subject alone and goes on */
    STEP_END_STOPS,       /* a plan and an undo end */
} StepEnd;

typedef struct StepOutcome {
    StepEnd end;
    Fault *fault;     /* what to end with; NULL if all is well */
    char *log;        /* what is to be logged of the subject; NULL: nothing */
    int log_level;    /* as syslog(3) takes it */
    char *quarantine; /* what the ledger is to say of the device; NULL: it is not in quarantine */
} StepOutcome;

StepOutcome step_outcome(const Step *step, const StepTaking *taking, const WorkerAnswer *answer);
void step_outcome_clear(StepOutcome *outcome);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StepOutcome, step_outcome_clear)
