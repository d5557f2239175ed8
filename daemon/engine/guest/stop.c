/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stops a guest: by the ladder, or by calling off a start that has no QEMU yet. */
#include <signal.h>

#include "../../core/definition/definition.h"
#include "../../base/log.h"
#include "private.h"

static void look(StopView *ret, void *userdata)
{
    const Guest *g = userdata;

    stop_ladder_default_times(ret->usec);
    if (g->run->definition) {
        ret->usec[STOP_RUNG_AGENT] = g->run->definition->agent ? g->run->definition->stop.agent_usec : 0;
        ret->usec[STOP_RUNG_POWER_BUTTON] = g->run->definition->stop.power_button_usec;
        ret->usec[STOP_RUNG_QUIT] = g->run->definition->stop.quit_usec;
        ret->usec[STOP_RUNG_TERMINATE] = g->run->definition->stop.terminate_usec;
    }
    ret->run = g->run->condition.state;
    ret->panicked = g->run->condition.panicked;
    ret->agent_open = inner_agent_is_open(g->run->agent);
}

uint64_t guest_stop_usec(const Guest *g)
{
    StopView view = {};

    look(&view, (void *)g);
    return stop_ladder_usec(&view);
}

static bool ask_agent(void *userdata)
{
    const Guest *g = userdata;

    return inner_agent_shut_down(g->run->agent);
}

static int send_signal(int number, void *userdata)
{
    const Guest *g = userdata;

    return launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, number);
}

static void on_taken(void *userdata)
{
    Guest *g = userdata;

    guest_set_state(g, GUEST_EVENT_STOP);
    log_guest(LOG_INFO, g->name, "stopping: %s", stop_rung_to_string(ladder_rung(g->run->ladder)));
    guest_announce(g);
}

const LadderHandler guest_ladder_handler = {look, ask_agent, send_signal, guest_take_status, on_taken};

static int refuse_at_rest(const Guest *g, Fault **ret_fault)
{
    if (!guest_at_rest(g))
        return 0;
    return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is not running", g->name);
}

/* QEMU is not there yet: there is nothing to climb down from. */
static void call_off(Guest *g)
{
    _cleanup_fault_ Fault *fault =
        fault_new(FAULT_FAILED, NULL, "guest %s was stopped before it ran", g->name);

    g->run->stop_asked = true;
    guest_set_state(g, GUEST_EVENT_STOP);
    /* The launcher may be about to connect, and would count as a new start. */
    if (!guest_refuse_launcher(g, fault))
        launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGKILL);
    if (g->run->execution)
        execution_stop(g->run->execution, NULL);
    else
        guest_ended(g);
}

static int stop_from(Guest *g, Job *job, StopRung rung, bool by_unit, Fault **ret_fault)
{
    int r = refuse_at_rest(g, ret_fault);
    if (r != 0)
        return r;

    /* A second request joins the first. */
    if (job)
        g_ptr_array_add(g->end_jobs, job);
    revival_settle(g->revival);
    if (g->state == GUEST_RESTORING)
        return 0;
    g->run->stop_asked = true;
    if (g->run->recovering && g->run->process.watched && rung == STOP_RUNG_KILL)
        guest_adopt_unheard(g); /* this rung needs no answer of QEMU */
    if (g->run->recovering)
        ladder_ask(g->run->ladder, rung); /* the rung is taken as soon as QEMU is found */
    else if (g->state == GUEST_PREPARING || (g->state == GUEST_STOPPING && !g->run->process.watched))
        call_off(g);
    else if (rung > ladder_rung(g->run->ladder))
        ladder_take(g->run->ladder, rung);
    /* The unit must know that this end is wanted, or Restart= brings the guest back. */
    if (!by_unit)
        launcher_stop(g->engine->launcher, LAUNCHER_GUEST, g->name, NULL, NULL);
    return 0;
}

int guest_stop(Guest *g, Job *job, bool by_unit, Fault **ret_fault)
{
    return stop_from(g, job, STOP_RUNG_WAKE, by_unit, ret_fault);
}

int guest_kill(Guest *g, Job *job, Fault **ret_fault)
{
    return stop_from(g, job, STOP_RUNG_KILL, false, ret_fault);
}
