/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the fake workers share. */
#pragma once

#include "fake-worker.h"

struct Worker {
    WorkerPool *pool;
    bool dead;    /* its process is gone */
    bool hanging; /* in the kernel, until it is told to come back */
    bool lost, acted;
    bool released; /* given up while it took a step: goes when that is over */
    Step *step;    /* under way */
    WorkerAnswered answered;
    DiskWish wish; /* being opened */
    char *path;    /* its own copy; NULL: nothing is */
    WorkerDiskOpened disk_opened;
    WorkerOpened opened; /* likewise of anything else, */
    FileKind kind;       /* which is this, */
    bool keep;           /* and is handed over */
    WorkerHolders found; /* looking */
    void *userdata;
    int fail; /* what the write fails with, or 0 */
    sd_event_handler_t handler; /* of an ask for a path that hangs */
    sd_event_source *turn;
    sd_event_handler_t waits; /* what comes of fake_workers_answer() */
};

struct WorkerRequest {
    WorkerPool *pool;
    WorkerReady ready;
    void *userdata;
    sd_event_source *turn;
};

struct WorkerPool {
    sd_event *event;
    FakeHost *host;
    StepPlace place;
    GPtrArray *workers;  /* of Worker, owned */
    GPtrArray *requests; /* of WorkerRequest, owned */
    bool late;
    unsigned steps;
    unsigned fail_at, hang_at, lose_at, lose_times, refuse_times;
    int error;
    bool acted;
    char *refusal;
    char *dead;    /* what is below does not answer; NULL: everything does */
    unsigned asks; /* for paths */
    GPtrArray *holders;
    int look_error;
    unsigned claims;
    uint64_t kvmfr; /* bytes of a device of that kind; 0: it does not say */
};

/* Has this done in the next turn of the loop, or later if they shall be late. */
void fake_worker_run(Worker *worker, sd_event_handler_t handler);
