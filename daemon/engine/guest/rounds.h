/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at things one by one. A thing may need an action that takes a while; the next thing is looked at
 * after that. If a round is asked for while one is under way, all things are looked at once more after it. */
#pragma once

#include <stdbool.h>

typedef struct RoundsHandler {
    /* A round begins. False: no round is possible now. */
    bool (*begin)(void *userdata);
    /* Looks at one thing. True: an action for it is under way, and rounds_go_on() follows. */
    bool (*look)(unsigned index, void *userdata);
} RoundsHandler;

typedef struct Rounds {
    const RoundsHandler *handler;
    void *userdata;
    unsigned n;     /* things */
    unsigned index; /* the one whose action is under way */
    bool busy, again;
} Rounds;

/* Both return at the first action that takes a while. */
void rounds_ask(Rounds *rounds);
/* The current action has ended. */
void rounds_go_on(Rounds *rounds);
