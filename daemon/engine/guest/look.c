/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that makes sure that nobody else uses the devices. */
#include "private.h"

static void on_gate(const Fault *fault, void *userdata)
{
    Run *run = userdata;
    Fault *why = fault_copy(fault);

    phase_holders_off(run);
    if (why)
        guest_fail(run->guest, why);
    else
        start_phase_done(run);
}

void phase_holders(Run *run)
{
    g_autoptr(GPtrArray) leaving = plan_leaving(run->plan);

    if (leaving->len == 0) {
        start_phase_done(run);
        return;
    }
    job_progress(run->guest->start_job, HOLDER_LOOK_WORDS, 0, run->plan->steps->len);
    run->start.gate = holder_gate_new(run->guest->engine, run->plan, true, on_gate, run);
}

void phase_holders_off(Run *run)
{
    run->start.gate = holder_gate_free(run->start.gate);
}
