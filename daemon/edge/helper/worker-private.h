/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What worker.c, which speaks with each worker, knows of worker-pool.c, which has them. */
#pragma once

#include "worker.h"

typedef enum WorkerState {
    WORKER_STARTING,  /* asked for, has not connected */
    WORKER_IDLE,      /* nobody's; goes after IDLE_USEC */
    WORKER_HELD,      /* a job's, between steps */
    WORKER_STEPPING,  /* a job's, taking a step: answered is owed */
    WORKER_OPENING,   /* a job's, opening a file: opened, or disk_opened, is owed */
    WORKER_LOOKING,   /* a job's, looking for holders: found is owed */
    WORKER_ABANDONED, /* hangs in the kernel; answered (the late one) is owed */
    WORKER_DEAD,      /* a job's, but its process is gone */
} WorkerState;

struct Worker {
    WorkerPool *pool;
    char *instance;
    WorkerState state;
    Channel *channel;
    sd_event_source *deadline; /* of its start, or of its idleness */
    WorkerAnswered answered;
    WorkerOpened opened;
    WorkerDiskOpened disk_opened;
    bool only_looks; /* at the file or disk: no descriptor comes of it */
    WorkerHolders found;
    void *userdata;
};

struct WorkerRequest {
    WorkerPool *pool;
    WorkerReady ready;
    void *userdata;
    Worker *worker; /* chosen, to be told in the next turn */
    char *message;  /* why there is none, likewise */
    sd_event_source *turn;
};

struct WorkerPool {
    sd_event *event;
    Launcher *launcher;
    uint64_t next;       /* the next instance */
    uint64_t oldest;     /* instances before this one go when they are free */
    GPtrArray *workers;  /* of Worker, owned */
    GPtrArray *requests; /* of WorkerRequest, owned, the oldest first */
};

/* worker-pool.c */
/* A worker that has not connected yet, or NULL. */
Worker *worker_find_starting(WorkerPool *pool, const char *instance);
/* Gives a free worker to whoever waits longest, or lets it wait for the next. */
void worker_place(Worker *worker);
/* Forgets and frees it. */
void worker_remove(Worker *worker);
