/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of steps being carried out: forward, a plan, or backward, a journal. One step at a time: the live
 * value must be what the step says, journal begin, act, read back, journal done. Rollback after a failed
 * start, an ordinary stop and recovery after a crash are all execution_undo(): the journal walked from its
 * end. */
#pragma once

#include "../../base/fault.h"
#include "../../edge/store/journal.h"
#include "../engine.h"

typedef struct Execution Execution;

typedef struct ExecutionHandler {
    /* About to take a step; may be NULL. words ("driver of 0000:01:00.0: radeon → none") are borrowed. */
    void (*progress)(Execution *execution, const char *words, unsigned done, unsigned total, void *userdata);
    /* Called exactly once, from the loop. fault: NULL if all went well; else Drift, Stuck or Failed,
     * borrowed. The execution may be freed from within. */
    void (*ended)(Execution *execution, const Fault *fault, void *userdata);
    /* The kernel came back from a step that was given up as stuck: undo again now. May be NULL. Called after
     * `ended`, at any time while the engine lives: userdata must outlive the engine. */
    void (*unstuck)(const char *subject, void *userdata);
} ExecutionHandler;

/* Takes the steps of a plan in order, journalling. It stops at the first that fails, and leaves what was done
 * to execution_undo(). steps are copied; journal is borrowed and must outlive the execution; handler is
 * static. */
Execution *execution_run(Engine *engine, Journal *journal, const GPtrArray *steps,
                         const ExecutionHandler *handler, void *userdata);

/* Sets the owner that STEP_VALUE_GUEST stands for; a run waits at the first step that needs it. */
void execution_set_guest(Execution *execution, uid_t uid, gid_t gid);

/* Replaces the handler's `unstuck`, for an owner that goes before the engine does. */
void execution_set_unstuck(Execution *execution, void (*unstuck)(const char *subject, void *userdata),
                           void *userdata);

/* Takes no further step: `ended` brings fault (taken over) after the step that is under way. */
void execution_stop(Execution *execution, Fault *fault);

/* Undoes what a journal leaves standing, from its end. A subject whose live value is neither what the step
 * left nor what was before (drift), or whose step fails, is left alone from there on, while the others go on.
 * With believe_kernel, which an administrator asks for by name, steps in drift are written off as undone
 * instead. Stops at a step that is stuck. */
Execution *execution_undo(Engine *engine, Journal *journal, bool believe_kernel,
                          const ExecutionHandler *handler, void *userdata);

/* The same for some steps alone; numbers (of unsigned) are the journal's, borrowed. */
Execution *execution_undo_some(Engine *engine, Journal *journal, const GArray *numbers,
                               const ExecutionHandler *handler, void *userdata);

/* Drops the execution: no further call but `unstuck`. The worker finishes a step under way, unheard. NULL is
 * fine; returns NULL. */
Execution *execution_free(Execution *execution);
