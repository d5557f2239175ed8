/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first phase of a start: devices that somebody else uses are not taken. */
#include "private.h"

static void on_gate(const Fault *fault, void *userdata)
{
    Guest *g = userdata;
    Fault *why = fault_copy(fault);

    g->run->gate = holder_gate_free(g->run->gate);
    if (why)
        guest_fail(g, why);
    else
        guest_open_disks(g);
}

void guest_look(Guest *g)
{
    g_autoptr(GPtrArray) leaving = plan_leaving(g->run->plan);

    if (leaving->len == 0) {
        guest_open_disks(g);
        return;
    }
    job_progress(g->start_job, HOLDER_LOOK_WORDS, 0, g->run->plan->steps->len);
    g->run->gate = holder_gate_new(g->engine, g->run->plan, true, on_gate, g);
}
