/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/helper/worker.c, linked instead of it: takes steps through step_act() on the fake host,
 * in the process of the test, and answers from the loop. The real one is held to the same contract by
 * tests/unit/edge/test-worker.c; what cannot be had from it are faults at a step of one's choice: a write
 * that the kernel refuses with a given errno, one that hangs until it is told to come back, a process lost
 * before or after the write, the death of the daemon between the write and the answer. */
#pragma once

#include <limits.h>

#include "../../../daemon/edge/hand/step-act.h"
#include "../../../daemon/edge/helper/worker.h"
#include "../fake-host.h"

/* Freed by worker_pool_free(). */
WorkerPool *fake_workers_new(sd_event *event, FakeHost *host);

/* From now on no request for a worker and no answer of one comes until fake_workers_answer(). */
void fake_workers_be_late(WorkerPool *pool);
/* All that has waited comes from the loop, what is asked later at once again; to who has gone nothing comes.
 * twice: each worker answers once more, which the real pool takes for nonsense: it is lost, and its job
 * notices at the next step. */
void fake_workers_answer(WorkerPool *pool, bool twice);

/* How many steps have been asked for, the one under way included; the first is number 0 below. */
unsigned fake_workers_steps(const WorkerPool *pool);

/* The write of step number n fails with a positive errno. */
void fake_workers_fail(WorkerPool *pool, unsigned n, int error);
/* The write of step number n hangs. */
void fake_workers_hang(WorkerPool *pool, unsigned n);
bool fake_workers_hanging(const WorkerPool *pool);
/* It comes back: takes effect now, and is answered from the loop. */
void fake_workers_come_back(WorkerPool *pool);
/* So many workers one after the other go away, the first at step number n, before the write or (acted) after
 * it. */
void fake_workers_lose(WorkerPool *pool, unsigned n, unsigned times, bool acted);
/* Every worker that is idle with its job goes away. */
void fake_workers_lose_idle(WorkerPool *pool);
/* What a look finds from now on, taken over; NULL: nobody any more. */
void fake_workers_find_holder(WorkerPool *pool, Holder *holder);
/* Whatever is asked for below the path (NULL: nothing any more) does not come back before fake_workers_come_back(). */
void fake_workers_die_below(WorkerPool *pool, const char *path);
/* How often paths have been asked for. */
unsigned fake_workers_asks(const WorkerPool *pool);
/* How many looks were to claim disks. */
unsigned fake_workers_claims(const WorkerPool *pool);
/* Looks fail with a negative errno; 0: they do not. */
void fake_workers_fail_look(WorkerPool *pool, int error);
/* The next so many workers cannot be started, for this reason. */
#define FAKE_WORKERS_ALL UINT_MAX
void fake_workers_refuse(WorkerPool *pool, unsigned times, const char *message);

/* The daemon died: a step that is under way is taken unheard, or (finish false) its worker died too. */
void fake_workers_crash(WorkerPool *pool, bool finish);
