/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rounds.h"

static void look_from(Rounds *rounds, unsigned index)
{
    for (rounds->index = index; rounds->index < rounds->n; rounds->index++)
        if (rounds->handler->look(rounds->index, rounds->userdata))
            return;
    rounds->busy = false;
    if (rounds->again)
        rounds_ask(rounds);
}

void rounds_ask(Rounds *rounds)
{
    rounds->again = rounds->busy;
    if (rounds->busy || !rounds->handler->begin(rounds->userdata))
        return;
    rounds->busy = true;
    look_from(rounds, 0);
}

void rounds_go_on(Rounds *rounds)
{
    look_from(rounds, rounds->index + 1);
}
