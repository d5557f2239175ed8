/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a guest ends, and is started again by itself. The manager starts it; here is what that is about. */
#include "../../base/log.h"
#include "../../core/qemu/qmp-message.h"
#include "../execution/undo.h"
#include "private.h"

/* Of a run that an earlier daemon began, those are known that were stopped: they are up again by the next
 * start. */
static char **units_to_stop(const Run *run)
{
    return run->plan ? g_strdupv(run->plan->may_stop) : undo_stopped_units(run->journal);
}

static bool goes_on(const GuestDefinition *definition, GuestEnd end)
{
    const DefinitionLife *life = definition_life(definition);

    /* [QEMU] Arguments=-no-reboot has the reset end QEMU, and no key asks for more. */
    if (end == GUEST_END_REBOOT && life->reboot == REBOOT_RESET && definition_tainted(definition))
        return false;
    return life_goes_on(life, end);
}

void guest_note_end(Guest *g, GuestEnd end)
{
    const GuestDefinition *definition = g->run->definition;
    g_auto(GStrv) units = units_to_stop(g->run);

    if (!g->run->stop_asked && definition && goes_on(definition, end))
        revival_owe(g->revival, end, units);
    else
        revival_settle(g->revival);
}

/* Who asks QEMU to end does not want the guest back. A guest that hibernates wants to be off. */
void guest_note_shutdown(Guest *g, const char *reason)
{
    GuestEnd end = qmp_shutdown_end(reason);

    guest_note_end(g, end == GUEST_END_POWER_OFF && g->run->condition.hibernates ? GUEST_END_OTHER : end);
}

bool guest_comes_again(const Guest *g)
{
    return guest_at_rest(g) && revival_owed(g->revival) != GUEST_END_OTHER;
}

void guest_stay_down(Guest *g)
{
    revival_settle(g->revival);
}

void guest_recall_end(Guest *g)
{
    if (guest_at_rest(g))
        revival_recall(g->revival);
}

int guest_count_again(Guest *g, char ***ret_may_stop, Fault **ret_fault)
{
    int r = revival_count(g->revival, ret_fault);

    if (r == 0)
        *ret_may_stop = g_strdupv(revival_may_stop(g->revival));
    return r;
}

void guest_not_again(Guest *g, const Fault *why)
{
    g_autofree char *remedy = why->remedy ? g_strdup(why->remedy)
                                          : g_strdup_printf("correct that, then: usherctl start %s", g->name);

    fault_free(g->fault);
    g->fault = fault_new(why->kind, remedy, "guest %s is not started again: %s", g->name, why->message);
    log_guest(LOG_ERR, g->name, "%s; %s", g->fault->message, remedy);
    revival_settle(g->revival);
    guest_set_state(g, GUEST_EVENT_FAILED);
    guest_announce(g);
}
