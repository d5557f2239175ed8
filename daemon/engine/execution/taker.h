/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has the steps of one execution taken, one at a time: by a worker, which it keeps between them, by systemd,
 * or by the loader of modules. It sees to it that a step is known to be under way, tells the log if one is
 * slow, and gives it up if it hangs in the kernel. */
#pragma once

#include "../../core/record/step-outcome.h"
#include "../engine.h"

typedef struct Taker Taker;

typedef struct TakerHandler {
    /* There is a worker now that taker_ready() asked for. */
    void (*ready)(void *userdata);
    /* Exactly once for each step, and with WORKER_NONE or WORKER_REFUSED where taker_ready() could not get a
     * worker. Perhaps from within the call. answer is borrowed. The taker may be freed from within. */
    void (*answered)(const WorkerAnswer *answer, void *userdata);
} TakerHandler;

/* The kernel came back from a step that was given up as stuck. */
typedef void (*TakerUnstuck)(const char *subject, void *userdata);

/* unstuck may be NULL; it is called with late_userdata, also when the taker has been freed. */
Taker *taker_new(Engine *engine, const TakerHandler *handler, void *userdata, TakerUnstuck unstuck,
                 void *late_userdata);

/* From now on that is called in its place. */
void taker_set_unstuck(Taker *taker, TakerUnstuck unstuck, void *late_userdata);

/* Whether such a step can be taken now; false: `ready` or `answered` follows. */
bool taker_ready(Taker *taker, const Step *step);
/* step is borrowed until `answered`. */
void taker_take(Taker *taker, const Step *step);
bool taker_at_work(const Taker *taker);
/* Stops to wait for a module, which nobody needs to know of any more: it stays. */
void taker_stop_loading(Taker *taker);

/* Nothing more comes of it: its worker goes back to the pool, and one that is under way is abandoned. It may
 * be used again. */
void taker_let_go(Taker *taker);
/* The same. NULL is fine; returns NULL. */
Taker *taker_free(Taker *taker);
