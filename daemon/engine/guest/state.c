/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every part of a guest needs: the state, which changes here only and is announced from here, and the
 * other things that a guest's parts ask of it. This file uses no part. */
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

const GuestDefinition *guest_definition(const Guest *g)
{
    return g->run ? g->run->definition : NULL;
}

bool guest_at_rest(const Guest *g)
{
    return !g->run;
}

char *guest_run_path(const Guest *g, const char *file)
{
    return g_strdup_printf("%s/guests/%s/%s", g->engine->run_path, g->name, file);
}

void guest_announce(Guest *g)
{
    g->handler->changed(g, g->userdata);
}

int guest_raise_not_running(const Guest *g, Fault **ret_fault)
{
    bool ends = g->state == GUEST_STOPPING || g->state == GUEST_RESTORING;
    g_autofree char *remedy = guest_at_rest(g) ? g_strdup_printf("start it: usherctl start %s", g->name)
                              : ends           ? g_strdup("start it when it has ended")
                                               : g_strdup("try again in a moment");

    return fault_raise(ret_fault, FAULT_NOT_RUNNING, remedy, "guest %s is %s", g->name,
                       guest_state_to_string(g->state));
}

void guest_set_deadline(Guest *g, uint64_t usec, sd_event_time_handler_t handler)
{
    clock_after(g->engine->event, usec, handler, g, &g->run->deadline);
}

void guest_set_state(Guest *g, GuestEvent event)
{
    int next = guest_state_next(g->state, event);

    if (next < 0) {
        log_guest(LOG_ERR, g->name, "bug: %s while %s", guest_event_to_string(event),
                  guest_state_to_string(g->state));
        return;
    }
    if (next == (int)g->state)
        return;
    log_guest(LOG_INFO, g->name, "%s → %s", guest_state_to_string(g->state), guest_state_to_string(next));
    if (g->run)
        g->run->deadline = sd_event_source_disable_unref(g->run->deadline);
    g->state = next;
    g->since = clock_realtime_usec();
    guest_announce(g);
    if (g->run)
        sleeper_sync_soon(g->run->sleeper);
}

void guest_on_progress(Execution *execution, const char *words, unsigned done, unsigned total, void *userdata)
{
    Guest *g = userdata;

    job_progress(g->start_job, words, done, total);
    for (unsigned i = 0; !g->start_job && i < g->end_jobs->len; i++)
        job_progress(g_ptr_array_index(g->end_jobs, i), words, done, total);
}

void guest_on_unstuck(const char *subject, void *userdata)
{
    Guest *g = userdata;

    g->unstuck(g);
}
