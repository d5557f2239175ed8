/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher-bind as the daemon sees it: a pool of processes that take steps one by one and answer each with what
 * they read back. A worker serves one job at a time, stays for 15 s after it for the next, then goes. One
 * that hangs in the kernel is left alone; others are started beside it. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../../core/plan/disk-wish.h"
#include "../../core/plan/file-wish.h"
#include "../../core/host/holder.h"
#include "../../core/record/step-outcome.h"
#include "channel.h"
#include "../launcher/launcher.h"

/* No more processes than that at a time, hanging ones counted. */
#define WORKER_POOL_MAX 64

typedef struct WorkerPool WorkerPool;
typedef struct Worker Worker;

/* launcher is borrowed, and its launcher_on_failed(LAUNCHER_BIND) is the pool's. */
WorkerPool *worker_pool_new(sd_event *event, Launcher *launcher);
/* Ends the workers (they end themselves when they come back from the kernel) and drops what is pending
 * without a call; no Worker or WorkerRequest is valid afterwards. NULL is fine; returns NULL. */
WorkerPool *worker_pool_free(WorkerPool *pool);

/* A module came: the sandbox of the workers that are there knows nothing of its devices (DeviceAllow= is
 * looked up when a unit starts). Those that are free go, the others when they are. */
void worker_pool_renew(WorkerPool *pool);

/* A worker for one job, called back exactly once: an idle one at once (from the loop, not from within this
 * call), else a new one when it has connected; worker NULL and a message after 30 s or when it could not be
 * started. The returned handle, *ret_request, cancels by worker_request_cancel() before the call, and is dead
 * from it on. -EBUSY when there are WORKER_POOL_MAX already. */
typedef struct WorkerRequest WorkerRequest;
typedef void (*WorkerReady)(Worker *worker, const char *message, void *userdata);
int worker_request(WorkerPool *pool, WorkerReady ready, void *userdata, WorkerRequest **ret_request);
void worker_request_cancel(WorkerRequest *request);

/* An usher-bind connected and was identified; the pool takes the channel. One that nobody asked for is sent
 * away. */
void worker_pool_adopt(WorkerPool *pool, const char *instance, Channel *channel);

/* Has a step taken; one at a time a worker (-EBUSY else; -ENOTCONN: it went away meanwhile). answered is
 * called exactly once, unless the worker is abandoned first.
 * mark_fd (step-mark.h): usher-bind keeps it open until it is back from the kernel; it stays the caller's.
 * -1: none. */
typedef void (*WorkerAnswered)(const WorkerAnswer *answer, void *userdata);
int worker_step(Worker *worker, const Step *step, int mark_fd, WorkerAnswered answered, void *userdata);

/* Opens a disk or an image, or makes it (disk-open.h). error 0: fd is the callee's to steal, seen is
 * borrowed; 1: it is in use, by holders (borrowed), and of seen only the id counts; or -errno, -ECONNRESET
 * as WORKER_LOST. Unset arguments are NULL, or -1; a look has no fd. */
typedef void (*WorkerDiskOpened)(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd,
                                 void *userdata);
int worker_disk(Worker *worker, const DiskWish *wish, WorkerDiskOpened opened, void *userdata);

/* Opens what a definition names (file-open.h), a network link or a device that guests use. error 0: seen is
 * borrowed, and fd is the callee's to steal, or -1: none comes of it. keep false: it is only to be seen, and
 * is closed where it was opened. Else -errno, -ECONNRESET as WORKER_LOST, and seen is NULL. */
typedef void (*WorkerOpened)(int error, const FileSeen *seen, int *fd, void *userdata);
int worker_open(Worker *worker, FileKind kind, const char *what, bool keep, WorkerOpened opened,
                void *userdata);

/* Looks for who holds functions (addresses, NULL-terminated); claim: as holder_scan() takes it. holders is
 * borrowed; NULL: error says why it could not be found out, -ECONNRESET as WORKER_LOST. */
typedef void (*WorkerHolders)(int error, const GPtrArray *holders, void *userdata);
int worker_holders(Worker *worker, char *const *addresses, bool claim, WorkerHolders found, void *userdata);

/* Back to the pool; one that still takes a step is abandoned. */
void worker_release(Worker *worker);
/* Lets go of a worker that hangs in the kernel: no signal, no more calls; when it answers after all (or goes
 * away: WORKER_LOST), late is called once (may be NULL). */
void worker_abandon(Worker *worker, WorkerAnswered late, void *userdata);
