/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stop ladder, climbed: what each rung does, how long it is waited for, and what makes it go on. Which
 * rung comes next is for core/record/stop-ladder to say. */
#pragma once

#include "../../core/record/stop-ladder.h"
#include "qemu-link.h"

typedef struct Ladder Ladder;

typedef struct LadderHandler {
    /* What is known now; `awake` and `qemu_answers` are the ladder's own to fill in. */
    void (*look)(StopView *ret, void *userdata);
    /* Has the agent inside shut the guest down; ladder_agent_failed() if that comes to nothing. False: it
     * cannot be asked now. */
    bool (*ask_agent)(void *userdata);
    /* Sends the signal to QEMU. Negative: there is no way to. */
    int (*signal)(int signal, void *userdata);
    /* QEMU has said how it is (query-status); ladder_sync() may be called from within. */
    void (*status)(const char *status, void *userdata);
    /* Another rung has been taken. */
    void (*taken)(void *userdata);
} LadderHandler;

/* guest, its name, link and handler are borrowed. */
Ladder *ladder_new(sd_event *event, const char *guest, QemuLink *link, const LadderHandler *handler,
                   void *userdata);
/* NULL is fine; returns NULL. */
Ladder *ladder_free(Ladder *ladder);

/* STOP_RUNG_NONE: the guest is not on it. */
StopRung ladder_rung(const Ladder *ladder);
/* Takes this rung, or the first after it that can be taken. */
void ladder_take(Ladder *ladder, StopRung rung);
/* The same later: whenever a rung is taken, it is not one before this. */
void ladder_ask(Ladder *ladder, StopRung rung);
/* QEMU is gone: nothing is waited for any more. */
void ladder_leave(Ladder *ladder);

/* What is known has changed: goes on where this rung is not heard. */
void ladder_sync(Ladder *ladder);
/* The agent said no, or nothing. */
void ladder_agent_failed(Ladder *ladder);
