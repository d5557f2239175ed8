/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What execution.c (the walk), execution-step.c (one step under way) and execution-answer.c (what came of it)
 * share of an execution. */
#pragma once

#include "../../edge/helper/slice-step.h"
#include "../../edge/helper/unit-step.h"
#include "execution.h"

struct Execution {
    Engine *engine;
    Journal *journal;
    const ExecutionHandler *handler;
    void *userdata;

    bool backward;
    bool believe_kernel;
    bool stopping;
    unsigned counted; /* how often the number of the current step was another's meanwhile */
    unsigned lost;    /* how many workers the current step lost */
    GPtrArray *steps; /* of Step, owned, as they are to be taken (an undo: swapped already) */
    GArray *numbers;  /* of unsigned: the journal's, one for each step of an undo */
    GArray *certain;  /* of bool, likewise: the step was seen to be done */
    unsigned next;
    Step *current;   /* with the guest resolved; NULL between steps */
    unsigned number; /* of current in the journal, */
    bool numbered;   /* from its begin on */

    char *guest;            /* "UID:GID", NULL: not known yet */
    GHashTable *left_alone; /* set of subjects: an undo takes no further step on them */
    Fault *fault;           /* what it will end with */

    WorkerRequest *request;
    Worker *worker;
    bool loading; /* a module; timed as a worker is */
    struct {
        UnitStep *unit; /* under way, or */
        SliceStep *slice;
    } by_systemd;
    sd_event_source *turn; /* the next step, in a turn of its own */
    struct {
        sd_event_source *slow, *stuck;
    } late; /* what is waited for */
};

/* execution.c */
void execution_schedule(Execution *e);
void execution_step_over(Execution *e);
/* Keeps the first fault, which is the one told: what came after it followed from it. Takes it over. */
void execution_note_fault(Execution *e, Fault *fault);
void execution_end(Execution *e);

/* execution-step.c: the current step */
/* It would unmake virtual functions, and one of them was left alone: it is to be tried again in that order.
 */
bool execution_made_is_left(const Execution *e);
/* False: it has to wait for a worker, and the next turn comes with that. */
bool execution_has_worker(Execution *e);
/* The current step has no worker any more, or got none, and is to be taken in a later turn with another;
 * false: it has lost enough of them. */
bool execution_try_again(Execution *e);
void execution_take_step(Execution *e);
void execution_stop_timers(Execution *e);
/* The worker is back from the kernel. */
void execution_unmark_busy(Engine *engine, const char *subject);
/* Nobody needs to know when it has come after all: a module stays. */
void execution_stop_loading(Execution *e);

/* execution-count.c: steps of counted kinds */
/* The step upon what is there now. */
Step *execution_count(const Execution *e, const Step *s);
/* Somebody else changed the number just now: false if it is to count as drift. */
bool execution_count_again(Execution *e);
/* A difference that is undone twice is another's loss: from here on what is there has to show whether it was.
 * 0 or -errno. */
int execution_begin_undo(Execution *e);
/* A part of what was asked for has come, and is to go again: what is to be told of it. */
Fault *execution_fell_short(Execution *e, const char *live);

/* execution-answer.c */
void execution_answer(const WorkerAnswer *answer, void *userdata);
void execution_done(Execution *e);
void execution_failed(Execution *e, int error, const char *live);
/* The current step has lost its worker for good. */
void execution_lost(Execution *e);
/* 0, or -errno, which it logged. */
int execution_journal(Execution *e, JournalMark mark);
/* An undo is told in the journal by the step as it was taken. */
void execution_journal_undone(Execution *e);
/* A device whose reset fails, or that cannot be given back, is not tried again behind the administrator's
 * back. */
void execution_note_in_ledger(const Execution *e, int error, const char *live);
