/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trouble-wish.h"

void wish_watchdog(Wishes *wishes, const char *model, const char *action, const Node *from)
{
    static const char *const actions[][2] = {{"reset", "reset"}, {"shutdown", "fail"}, {"poweroff", "fail"},
                                             {"pause", "pause"}, {"debug", "ignore"},  {"none", "ignore"}};

    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        if (g_str_equal(actions[i][0], action)) {
            draft_set(draft_section(wishes->draft, "Watchdog"), "Action", from, "%s", actions[i][1]);
            if (g_strcmp0(model, "itco") == 0)
                draft_set(draft_section(wishes->draft, "Watchdog"), "Model", from, "itco");
            else if (model && !g_str_equal(model, "i6300esb"))
                draft_differs(wishes->draft, from, "usher's watchdog is Intel's 6300ESB");
            return;
        }
    draft_left(wishes->draft, from,
               "a watchdog of usher's does not do %s; add [Watchdog] Action=reset, pause, fail or ignore",
               action);
}

static DraftSection *home(Wishes *wishes)
{
    return draft_section(wishes->draft, "Guest");
}

void wish_panic_device(Wishes *wishes, const Node *from)
{
    if (!draft_get(home(wishes), "OnPanic"))
        draft_set(home(wishes), "OnPanic", from, "fail");
}

void wish_panic(Wishes *wishes, const char *action, bool device, const Node *from)
{
    bool pause = g_str_equal(action, "pause"), none = g_str_equal(action, "none");

    /* Without a device OnPanic=auto does the same. */
    if (pause || none || device)
        draft_set(home(wishes), "OnPanic", from, pause ? "pause" : none ? "ignore" : "fail");
}
