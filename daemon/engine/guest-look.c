/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first phase of a start: devices that somebody else uses are not taken. */
#include "guest-private.h"

static void on_looked(const GPtrArray *holders, const Fault *look_fault, void *userdata)
{
    Guest *g = userdata;
    g_autoptr(GPtrArray) stop = NULL;
    Fault *fault = fault_copy(look_fault);

    if (!fault)
        holders_judge(holders, NULL, &stop, &fault);
    g->look = holder_look_free(g->look);
    if (fault)
        guest_fail(g, fault);
    else
        guest_begin(g);
}

void guest_look(Guest *g)
{
    g_autoptr(GPtrArray) leaving = plan_leaving(g->plan);

    if (leaving->len == 0) {
        guest_begin(g);
        return;
    }
    job_progress(g->start_job, HOLDER_LOOK_WORDS, 0, g->plan->steps->len);
    g->look = holder_look_new(g->engine, leaving, on_looked, g);
}
