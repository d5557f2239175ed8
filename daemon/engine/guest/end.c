/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's end, whatever caused it: its run is undone, and those who wait for the end are told. */
#include "../../base/log.h"
#include "../execution/aftermath.h"
#include "private.h"
#include "../execution/undo.h"

/* Our own SIGKILL is a good end, unless the guest has failed before. */
static void tell(const Guest *g, GPtrArray *waiters)
{
    bool asked = g->run ? g->run->stop_asked : g->end_was_asked;
    const char *word = asked && !g->fault ? "killed" : "ended";

    for (unsigned i = 0; i < waiters->len; i++)
        channel_send(g_ptr_array_index(waiters, i), (const char *const[]){word, NULL}, NULL, 0);
    g_ptr_array_set_size(waiters, 0);
}

static void on_waiter(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
    Guest *g = userdata;

    if (words)
        return;
    if (!g_ptr_array_remove_fast(g->end_waiters, channel))
        g_ptr_array_remove_fast(g->restored_waiters, channel);
}

void guest_wait(Guest *g, Channel *channel, bool restored)
{
    GPtrArray *waiters = restored ? g->restored_waiters : g->end_waiters;

    channel_set_handler(channel, on_waiter, g);
    g_ptr_array_add(waiters, channel);
    if (guest_at_rest(g) || (!restored && g->state == GUEST_RESTORING))
        tell(g, waiters);
}

static void show_left(Guest *g, const GPtrArray *left)
{
    for (unsigned i = 0; i < left->len; i++) {
        const char *address = g_ptr_array_index(left, i);
        if (!g_ptr_array_find_with_equal_func(g->addresses, address, g_str_equal, NULL))
            g_ptr_array_add(g->addresses, g_strdup(address));
    }
}

/* These may include devices that the guest released while it ran. A mediated device that could not be removed
 * is shown as its parent. */
static void show_leftovers(Guest *g)
{
    if (!g->leftovers)
        g_ptr_array_set_size(g->addresses, 0);
    if (!g->leftovers || !g->run->journal)
        return;
    g_autoptr(GPtrArray) lent = undo_lent(g->run->journal), parents = undo_parents(g->run->journal);
    show_left(g, lent);
    show_left(g, parents);
}

/* Everything is undone that can be undone. */
static void come_to_rest(Guest *g, const Fault *undo_fault)
{
    Job *start_job = g_steal_pointer(&g->start_job);
    g_autoptr(GPtrArray) end_jobs = g->end_jobs;

    g->end_jobs = g_ptr_array_new();
    g->run->execution = execution_free(g->run->execution);
    g->leftovers = undo_fault != NULL;
    if (undo_fault && !g->fault)
        g->fault = fault_copy(undo_fault);
    else if (!g->fault)
        g->fault = aftermath_look(g->engine, g->addresses);
    else if (undo_fault)
        log_guest(LOG_ERR, g->name, "not all was restored: %s", undo_fault->message);
    show_leftovers(g);
    if (!undo_fault)
        g->run->journal = journal_remove(g->run->journal);
    g->end_was_asked = g->run->stop_asked;
    run_free(g->run);
    if (g->fault)
        log_guest(LOG_ERR, g->name, "%s%s%s", g->fault->message, g->fault->remedy ? "; " : "",
                  g->fault->remedy ?: "");
    revival_rest(g->revival, !undo_fault && (!g->fault || revival_owed(g->revival) == GUEST_END_CRASH));

    guest_set_state(g, g->fault ? GUEST_EVENT_FAILED : GUEST_EVENT_RESTORED);
    tell(g, g->end_waiters);
    tell(g, g->restored_waiters);
    g->handler->rested(g, g->userdata);

    if (start_job && !g->fault) {
        _cleanup_fault_ Fault *stopped =
            fault_new(FAULT_FAILED, NULL, "guest %s was stopped before it ran", g->name);
        job_end(start_job, stopped);
    } else {
        job_end(start_job, g->fault);
    }
    for (unsigned i = 0; i < end_jobs->len; i++)
        job_end(g_ptr_array_index(end_jobs, i), undo_fault);
}

static void on_undone(Execution *execution, const Fault *fault, void *userdata)
{
    _cleanup_fault_ Fault *copy = fault_copy(fault);

    come_to_rest(userdata, copy);
}

static const ExecutionHandler end_handler = {guest_on_progress, on_undone, guest_on_unstuck};

void guest_undo(Guest *g, bool believe_kernel)
{
    if (g->run->journal)
        g->run->execution = execution_undo(g->engine, g->run->journal, believe_kernel, &end_handler, g);
    else
        come_to_rest(g, NULL);
}

void guest_ended(Guest *g)
{
    bool to_come = guest_unit_is_to_come(g->run);

    /* This comes first, as an answer of QEMU's may concern what is freed below. */
    run_drop_qmp(g->run);
    start_call_off(g->run);
    /* Otherwise the launcher would come up after all, and count as a new start. */
    if (to_come)
        launcher_stop(g->engine->launcher, LAUNCHER_GUEST, g->name, NULL, NULL);
    /* A device that is being handed over cannot be undone yet. */
    bool plugged = plugs_end(g->run->plugs);
    bool looked = usbs_end(g->run->usbs) & inputs_end(g->run->inputs);
    g->run->end_owed = !plugged || !looked;
    if (g->run->execution && g->state != GUEST_RESTORING) {
        g->run->end_owed = true;
        execution_stop(g->run->execution, NULL);
    }
    if (g->run->end_owed || g->run->execution)
        return;
    g->run->process.watched = false;
    /* QEMU's standard error may say why it ended. */
    if (g->stderr_log)
        guest_log_catch_up(g->stderr_log);
    if (g->run->console_log)
        guest_log_catch_up(g->run->console_log);
    inner_agent_set_open(g->run->agent, false);
    viewers_remove(streams_viewers(g->run->streams));
    g->run->companions = companions_free(g->run->companions);
    disk_claims_give_up(g->engine->disks, g->name);
    if (g->fault)
        guest_refuse_launcher(g, g->fault);
    g->run->start.launch = channel_free(g->run->start.launch);
    ladder_leave(g->run->ladder);
    guest_set_state(g, GUEST_EVENT_END);
    tell(g, g->end_waiters);
    guest_undo(g, false);
}

void guest_fail(Guest *g, Fault *fault)
{
    if (g->fault)
        fault_free(fault);
    else
        g->fault = fault;

    if (g->state == GUEST_RESTORING)
        return;
    if (g->run->execution)
        execution_stop(g->run->execution, fault_copy(g->fault));
    else if (g->run->process.watched)
        ladder_take(g->run->ladder, STOP_RUNG_KILL); /* guest_ended() follows when it ends */
    else
        guest_ended(g);
}
