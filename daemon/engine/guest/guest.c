/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"

#define LAST_WORDS_MAX 2000

static void channel_freep(void *channel)
{
    channel_free(channel);
}

Guest *guest_new(Engine *engine, const char *name, const GuestHandler *handler, void *userdata)
{
    Guest *g = g_new0(Guest, 1);

    g->engine = engine;
    g->name = g_strdup(name);
    g->handler = handler;
    g->userdata = userdata;
    g->unstuck = guest_unstuck;
    g->state = GUEST_STOPPED;
    g->folder_fd = -1;
    g->revival = revival_new(engine->guests_fd, g->name);
    g->addresses = g_ptr_array_new_with_free_func(g_free);
    g->end_jobs = g_ptr_array_new();
    g->end_waiters = g_ptr_array_new_with_free_func(channel_freep);
    g->restored_waiters = g_ptr_array_new_with_free_func(channel_freep);
    return g;
}

DEFINE_FREE(Guest, guest_free, g)
{
    run_free(g->run);
    disk_claims_give_up(g->engine->disks, g->name);
    revival_free(g->revival);
    guest_log_close(g->stderr_log);
    close_fd(g->folder_fd);
    fault_free(g->fault);
    g_ptr_array_free(g->addresses, TRUE);
    g_ptr_array_free(g->end_jobs, TRUE);
    g_ptr_array_free(g->end_waiters, TRUE);
    g_ptr_array_free(g->restored_waiters, TRUE);
    g_free(g->name);
}

const char *guest_name(const Guest *g)
{
    return g->name;
}

GuestState guest_state(const Guest *g)
{
    return g->state;
}

const char *guest_sub_state(const Guest *g)
{
    if (!g->run)
        return "";
    if (g->state == GUEST_PAUSED && sleeper_has_paused(g->run->sleeper) &&
        g->run->condition.state.kind != RUN_SLEEPS)
        return "host-sleep";
    if (g->state == GUEST_PAUSED)
        return g->run->condition.state.word;
    if (g->state == GUEST_RUNNING && inner_agent_has_frozen(g->run->agent))
        return "frozen";
    if (g->state == GUEST_PREPARING || g->state == GUEST_STARTING)
        return start_phase_name(g->run);
    return g->state == GUEST_STOPPING ? stop_rung_to_string(ladder_rung(g->run->ladder)) : "";
}

bool guest_tainted(const Guest *g)
{
    return g->run && g->run->definition && definition_tainted(g->run->definition);
}

const char *const *guest_warnings(const Guest *g)
{
    return g->run ? (const char *const *)g->run->condition.warnings : NULL;
}

pid_t guest_pid(const Guest *g)
{
    return g->run && g->run->process.watched ? g->run->process.pid : 0;
}

uint64_t guest_since_usec(const Guest *g)
{
    return g->since;
}

const Fault *guest_fault(const Guest *g)
{
    return g->fault;
}

const GPtrArray *guest_devices(const Guest *g)
{
    return g->addresses;
}

bool guest_is_sought(const Guest *g)
{
    return g->run && g->run->recovering;
}

bool guest_has_leftovers(const Guest *g)
{
    return g->leftovers;
}

char *guest_last_words(const Guest *g)
{
    return g->stderr_log ? guest_log_tail(g->stderr_log, LAST_WORDS_MAX) : g_strdup("");
}

/* The guest has ended as often as systemd allows, so it has failed, however well its last run ended. */
void guest_given_up(Guest *g, const char *message)
{
    g_autofree char *remedy = g_strdup_printf("correct that, then: usherctl start %s", g->name);
    Fault *last = g->fault;

    if (!guest_at_rest(g))
        return;
    g->fault = last ? fault_new(last->kind, remedy, "%s; %s", last->message, message)
                    : fault_new(FAULT_GUEST_FAILED, remedy, "guest %s: %s", g->name, message);
    fault_free(last);
    log_guest(LOG_ERR, g->name, "%s", message);
    guest_set_state(g, GUEST_EVENT_FAILED);
    guest_announce(g);
}

/* The start. */

/* Opens what the run needs before its first step. 0 or -errno. */
static int open_run(Guest *g)
{
    const Owner owner = owner_of_guest(g->name);

    int r = guest_open_run_folder(g);
    if (r < 0)
        return r;
    guest_log_clear(g->stderr_log);
    guest_forget_process(g);
    unlinkat(g->folder_fd, "usb", 0);
    unlinkat(g->folder_fd, "warnings", 0);
    sleeper_forget(g->run->sleeper);
    r = journal_open(g->engine->journal_fd, owner.text, &g->run->journal);
    plugs_set_journal(g->run->plugs, g->run->journal);
    return r;
}

void guest_start(Guest *g, GuestDefinition *definition, Plan *plan, Job *job, bool by_unit)
{
    g->fault = fault_free(g->fault);
    g->leftovers = false;
    revival_begin(g->revival, !by_unit);
    run_new(g);
    g->run->definition = definition;
    g->run->plan = plan;
    g->start_job = job;
    g->run->start.by_unit = by_unit;
    plugs_note(g->run->plugs, definition, plan);
    guest_set_state(g, GUEST_EVENT_START);
    guest_await_launcher(g);

    int r = open_run(g);
    if (r < 0) {
        guest_fail(g, fault_new(FAULT_FAILED, "is /run/usher writable?", "cannot prepare guest %s: %s",
                                g->name, g_strerror(-r)));
        return;
    }
    start_begin(g->run);
}
