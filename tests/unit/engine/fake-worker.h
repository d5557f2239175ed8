/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/helper/worker.c, linked instead of it: takes steps through step_act() on the
 * fake host, in the process of the test, and answers from the loop. tests/unit/edge/test-worker.c holds the
 * real one to the same contract. The real one cannot fail at a step of one's choice: a write that the kernel
 * refuses with a given errno, one that hangs until it is told to come back, a process lost before or after
 * the write, the death of the daemon between the write and the answer. */
#pragma once

#include <limits.h>

#include "../../../daemon/edge/hand/step-act.h"
#include "../../../daemon/edge/helper/worker.h"
#include "../fake-host.h"

/* Freed by worker_pool_free(). */
WorkerPool *fake_workers_new(sd_event *event, FakeHost *host);

/* From now on no worker comes and none answers before fake_workers_answer(). */
void fake_workers_be_late(WorkerPool *pool);
/* Everything that has waited comes from the loop, unless its owner has gone; later requests are answered at
 * once again. twice: each worker answers once more, which the real pool takes for nonsense: the worker is
 * lost, and its job notices at the next step. */
void fake_workers_answer(WorkerPool *pool, bool twice);

/* How many steps have been asked for, the one under way included; the first is number 0 below. */
unsigned fake_workers_steps(const WorkerPool *pool);

/* The write of step number n fails with a positive errno. */
void fake_workers_fail(WorkerPool *pool, unsigned n, int error);
/* The write of step number n hangs. */
void fake_workers_hang(WorkerPool *pool, unsigned n);
bool fake_workers_hanging(const WorkerPool *pool);
/* The hanging write comes back: it takes effect now, and is answered from the loop. */
void fake_workers_come_back(WorkerPool *pool);
/* This many workers are lost in turn, the first at step number n, before the write or (acted) after it. */
void fake_workers_lose(WorkerPool *pool, unsigned n, unsigned times, bool acted);
/* Every worker that is idle with its job is lost. */
void fake_workers_lose_idle(WorkerPool *pool);
/* The holder that looks find from now on, taken over; NULL: none any more. */
void fake_workers_find_holder(WorkerPool *pool, Holder *holder);
/* No question about a path below this one (NULL: none any more) is answered before
 * fake_workers_come_back(). */
void fake_workers_die_below(WorkerPool *pool, const char *path);
/* How many paths were asked for. */
unsigned fake_workers_asks(const WorkerPool *pool);
/* How many looks were to claim disks. */
unsigned fake_workers_claims(const WorkerPool *pool);
/* How many bytes a kvmfr device has. */
void fake_workers_put_kvmfr(WorkerPool *pool, uint64_t bytes);
/* Looks fail with a negative errno; 0: they succeed. */
void fake_workers_fail_look(WorkerPool *pool, int error);
/* The next workers, this many, cannot be started, for this reason. */
#define FAKE_WORKERS_ALL UINT_MAX
void fake_workers_refuse(WorkerPool *pool, unsigned times, const char *message);

/* The daemon dies: a step under way is taken unheard, or (finish false) its worker dies too. */
void fake_workers_crash(WorkerPool *pool, bool finish);
