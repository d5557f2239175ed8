/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hand for what definitions name: has usher-bind open it, one thing at a time, each within
 * a deadline (answer_usec; a question has one for all of it), as it may lie on a file server that is dead. A
 * worker that does not come back from there is left alone, and how many are is bounded: whoever may ask for a
 * plan may ask for one that hangs. */
#pragma once

#include "engine.h"

typedef struct Opener Opener;

/* Which asks have not come back, for all openers; NULL is fine; returns NULL. Free it after the workers. */
Hangs *hangs_new(void);
Hangs *hangs_free(Hangs *hangs);
unsigned hangs_count(const Hangs *hangs);

/* No question is asked while so many asks hang; and no start looks at files while more do. The others of the
 * WORKER_POOL_MAX workers are left for steps. */
#define OPENER_HANGS_QUESTION 8
#define OPENER_HANGS_START 32

/* question: nothing is to be done but look, as anybody may ask: no descriptor comes of it. */
Opener *opener_new(Engine *engine, bool question);
/* No call after it. NULL is fine; returns NULL. */
Opener *opener_free(Opener *opener);

/* One at a time; strings of a wish are borrowed until the answer. Each calls back exactly once, from the
 * loop; the opener may be freed from within. Beside the errors of worker.h: -ETIMEDOUT, it does not answer,
 * or has not yet answered the last who asked; -EUSERS, too much does not; -ECHILD, usher-bind cannot be
 * started. */
void opener_open(Opener *opener, FileKind kind, const char *what, WorkerOpened opened, void *userdata);
void opener_open_disk(Opener *opener, const DiskWish *wish, WorkerDiskOpened opened, void *userdata);

/* What is to be said of those three errors; what: "[Disk system] Path=/srv/a.img". NULL: another error. */
Fault *opener_fault(const Opener *opener, int error, const char *guest, const char *what);
