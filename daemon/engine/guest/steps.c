/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that takes the steps of its plan. */
#include "private.h"

static const ExecutionHandler handler;

static void take(Run *run, const GPtrArray *steps)
{
    Guest *g = run->guest;

    run->execution = execution_run(g->engine, run->journal, steps, &handler, g);
    if (run->start.launch)
        execution_set_guest(run->execution, run->process.uid, run->process.gid);
}

/* The devices that were expected are there; the rest of the plan starts from what they have become. */
static void plan_anew(Run *run)
{
    Guest *g = run->guest;
    Fault *fault = NULL;
    Plan *rest;

    int r = g->handler->plan_rest(g, run->definition, NULL, &rest, &fault, g->userdata);
    if (r != 0) {
        guest_fail(
            g, fault ?: fault_new(FAULT_FAILED, NULL, "cannot read the host's devices: %s", g_strerror(-r)));
        return;
    }
    /* That is opened already. */
    rest->vhost_net = run->plan->vhost_net;
    plan_free(run->plan);
    run->plan = rest;
    plugs_note(run->plugs, run->definition, rest);
    take(run, run->plan->steps);
}

static void on_taken(Execution *execution, const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    Run *run = g->run;

    /* The fault is copied before the execution, which owns it, goes. */
    if (fault && !g->fault)
        g->fault = fault_copy(fault);
    run->execution = execution_free(execution);
    if (g->fault || run->stop_asked || run->end_owed) {
        run->end_owed = false;
        guest_ended(g);
    } else if (run->plan->making > 0) {
        plan_anew(run);
    } else {
        start_phase_done(run);
    }
}

static const ExecutionHandler handler = {guest_on_progress, on_taken, guest_on_unstuck};

void phase_steps(Run *run)
{
    g_autoptr(GPtrArray) first = plan_due(run->plan);

    take(run, first);
}
