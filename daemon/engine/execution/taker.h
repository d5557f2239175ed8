/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has the steps of one execution taken, one at a time: by a worker, which it keeps between them, by systemd,
 * or by the loader of modules. It sees to it that a step is known to be under way, tells the log if one is
 * slow, and gives it up if it hangs in the kernel. */
#pragma once

#include "../../core/record/step-outcome.h"
#include "../engine.h"

typedef struct Taker Taker;

typedef struct TakerHandler {
    /* The worker that taker_ready() asked for is there. */
    void (*ready)(void *userdata);
    /* Called exactly once for each step, perhaps from within the call; with WORKER_NONE or WORKER_REFUSED if
     * taker_ready() got no worker. answer is borrowed. The taker may be freed from within. */
    void (*answered)(const WorkerAnswer *answer, void *userdata);
} TakerHandler;

/* The kernel came back from a step that was given up as stuck. */
typedef void (*TakerUnstuck)(const char *subject, void *userdata);

Taker *taker_new(Engine *engine, const TakerHandler *handler, void *userdata);

/* Who hears of a step that is given up from now on; NULL: nobody. It is called with late_userdata, also when
 * the taker has been freed. */
void taker_set_unstuck(Taker *taker, TakerUnstuck unstuck, void *late_userdata);

/* Whether such a step can be taken now; false: `ready` or `answered` follows. */
bool taker_ready(Taker *taker, const Step *step);
/* step is borrowed until `answered`. */
void taker_take(Taker *taker, const Step *step);
bool taker_at_work(const Taker *taker);
/* Stops waiting for a module to load: a module stays, so nobody needs the answer. */
void taker_stop_loading(Taker *taker);

/* Gives the worker back to the pool, or abandons it if it is at work; no further call. The taker may be used
 * again. */
void taker_let_go(Taker *taker);
/* The same. NULL is fine; returns NULL. */
Taker *taker_free(Taker *taker);
