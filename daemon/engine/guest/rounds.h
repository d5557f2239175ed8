/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at some things one by one. What is found may take a while to act upon; the next one is looked at
 * then. If a round is asked for while one is under way, all are looked at once more after it. */
#pragma once

#include <stdbool.h>

typedef struct RoundsHandler {
    /* A round begins. False: it cannot now. */
    bool (*begin)(void *userdata);
    /* Looks at one. True: something is being done for it, and rounds_go_on() follows. */
    bool (*look)(unsigned index, void *userdata);
} RoundsHandler;

typedef struct Rounds {
    const RoundsHandler *handler;
    void *userdata;
    unsigned n;     /* things */
    unsigned index; /* the one that something is being done for */
    bool busy, again;
} Rounds;

/* Both return at the first thing that takes a while. */
void rounds_ask(Rounds *rounds);
/* The current one is done with. */
void rounds_go_on(Rounds *rounds);
