/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stop ladder, climbed: what each rung does, how long it is waited for, and what ends the wait.
 * core/record/stop-ladder says which rung comes next. */
#pragma once

#include "../../core/record/stop-ladder.h"
#include "qemu-link.h"

typedef struct Ladder Ladder;

typedef struct LadderHandler {
    /* What is known now; the ladder itself fills in `awake` and `qemu_answers`. */
    void (*look)(StopView *ret, void *userdata);
    /* Has the agent inside shut the guest down; ladder_agent_failed() follows if that fails. False: the agent
     * cannot be asked now. */
    bool (*ask_agent)(void *userdata);
    /* Sends the signal to QEMU. Negative: that is impossible. */
    int (*signal)(int signal, void *userdata);
    /* QEMU has answered query-status; ladder_sync() may be called from within. */
    void (*status)(const char *status, void *userdata);
    /* Another rung has been taken. */
    void (*taken)(void *userdata);
} LadderHandler;

/* guest, its name, link and handler are borrowed. */
Ladder *ladder_new(sd_event *event, const char *guest, QemuLink *link, const LadderHandler *handler,
                   void *userdata);
/* NULL is fine; returns NULL. */
Ladder *ladder_free(Ladder *ladder);

/* STOP_RUNG_NONE: the guest is not being stopped. */
StopRung ladder_rung(const Ladder *ladder);
/* Takes this rung, or the first after it that can be taken. */
void ladder_take(Ladder *ladder, StopRung rung);
/* The same, later: every rung that is taken from now on is at least this one. */
void ladder_ask(Ladder *ladder, StopRung rung);
/* QEMU is gone: ends every wait. */
void ladder_leave(Ladder *ladder);

/* The view has changed: goes on to the next rung if the guest cannot hear this one. */
void ladder_sync(Ladder *ladder);
/* The agent refused, or did not answer. */
void ladder_agent_failed(Ladder *ladder);
