/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest whose system has panicked or hangs (OnPanic=, [Watchdog]). */
#include "../../core/definition/life.h"
#include "../../base/log.h"
#include "private.h"

/* This is done by us after a panic too: QEMU can pause the guest upon a panic, but not reset it. */
static void reset(Guest *g)
{
    qmp_command(qemu_link_qmp(g->run->link), "system_reset", NULL, QMP_ANSWER_USEC, NULL, NULL);
    qmp_command(qemu_link_qmp(g->run->link), "cont", NULL, QMP_ANSWER_USEC, NULL, NULL);
}

/* action: what is left for usherd to do, as QEMU has done its part. */
static void take(Guest *g, const char *words, TroubleAction action)
{
    static const char *const doings[] = {
        [TROUBLE_DEFAULT] = "it ends",
        [TROUBLE_FAIL] = "it ends",
        [TROUBLE_RESET] = "it is reset",
        [TROUBLE_PAUSE] = "it is paused; to boot it again: usherctl reset",
        [TROUBLE_IGNORE] = "nothing is done",
    };

    log_guest(LOG_WARNING, g->name, "%s: %s", words, doings[action]);
    if (action > TROUBLE_FAIL)
        return;
    g_free(g->run->condition.trouble);
    g->run->condition.trouble = g_strdup_printf("guest %s has failed: %s", g->name, words);
}

void guest_panicked(Guest *g)
{
    TroubleAction action = g->run->definition ? definition_life(g->run->definition)->panic : TROUBLE_DEFAULT;

    take(g, "its system has panicked", action);
    g->run->condition.panicked = true;
    /* A guest that is to end does not boot again. */
    if (g->state == GUEST_STOPPING)
        ladder_sync(g->run->ladder);
    else if (action == TROUBLE_RESET)
        reset(g);
}

void guest_watchdog_expired(Guest *g)
{
    TroubleAction action =
        g->run->definition ? definition_life(g->run->definition)->watchdog : TROUBLE_IGNORE;

    take(g, "its system hangs, and has not reset its watchdog", action);
    if (action == TROUBLE_FAIL)
        qmp_command(qemu_link_qmp(g->run->link), "quit", NULL, 0, NULL, NULL);
}
