/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../execution/execution.h"
#include "hold.h"
#include "../gate/holder-gate.h"
#include "../execution/undo.h"

struct Hold {
    Engine *engine;
    char *owner;
    Journal *journal;
    Plan *plan; /* until its steps are taken */
    HolderGate *gate;
    Execution *execution;
    bool bound;
    Fault *fault; /* why the bind failed, while it is being undone */
    Job *job;
    const HoldHandler *handler;
    void *userdata;
};

static void rest(Hold *hold, bool bound, const Fault *fault)
{
    Job *job = g_steal_pointer(&hold->job);
    _cleanup_fault_ Fault *why = fault_copy(fault);

    hold->execution = execution_free(hold->execution);
    hold->gate = holder_gate_free(hold->gate);
    hold->bound = bound;
    if (!bound)
        hold->journal = journal_remove(hold->journal);
    if (why)
        log_error("%s: %s", hold->owner, why->message);
    else if (!bound && !job)
        log_notice("%s: all of its devices are given back", hold->owner);
    hold->handler->rested(hold, hold->userdata);
    job_end(job, why);
}

static void on_progress(Execution *execution, const char *words, unsigned done, unsigned total,
                        void *userdata)
{
    Hold *hold = userdata;

    job_progress(hold->job, words, done, total);
}

void hold_unstuck(Hold *hold)
{
    if (hold_at_rest(hold) && hold->handler->claim(hold, hold->userdata)) {
        log_notice("%s: continuing to give it back", hold->owner);
        hold_restore(hold, NULL);
    }
}

static void on_unstuck(const char *subject, void *userdata)
{
    hold_unstuck(userdata);
}

/* What could not be undone stays in the journal, and the hold stays, so that another try is possible. */
static void on_undone(Execution *execution, const Fault *fault, void *userdata)
{
    Hold *hold = userdata;

    rest(hold, fault != NULL, hold->fault ?: fault);
}

static const ExecutionHandler undo_handler = {on_progress, on_undone, on_unstuck};

static void on_bound(Execution *execution, const Fault *fault, void *userdata)
{
    Hold *hold = userdata;

    if (!fault) {
        rest(hold, true, NULL);
        return;
    }
    hold->fault = fault_copy(fault);
    execution_free(execution);
    hold->execution = execution_undo(hold->engine, hold->journal, false, &undo_handler, hold);
}

static const ExecutionHandler bind_handler = {on_progress, on_bound, on_unstuck};

static int hold_new(Engine *engine, const char *owner, const HoldHandler *handler, void *userdata, Hold **ret)
{
    Hold *hold = g_new0(Hold, 1);

    hold->engine = engine;
    hold->owner = g_strdup(owner);
    hold->handler = handler;
    hold->userdata = userdata;
    int r = journal_open(engine->journal_fd, owner, &hold->journal);
    if (r < 0) {
        hold_free(hold);
        return r;
    }
    *ret = hold;
    return 0;
}

static void on_gate(const Fault *fault, void *userdata)
{
    Hold *hold = userdata;

    if (fault) {
        rest(hold, false, fault);
        return;
    }
    hold->gate = holder_gate_free(hold->gate);
    hold->execution = execution_run(hold->engine, hold->journal, hold->plan->steps, &bind_handler, hold);
    hold->plan = plan_free(hold->plan);
}

int hold_bind(Engine *engine, Plan *plan, Job *job, const HoldHandler *handler, void *userdata, Hold **ret)
{
    g_autoptr(Plan) owned = plan;
    Hold *hold;

    int r = hold_new(engine, plan->owner, handler, userdata, &hold);
    if (r < 0)
        return r;
    hold->job = job;
    hold->plan = g_steal_pointer(&owned);
    job_progress(job, HOLDER_LOOK_WORDS, 0, hold->plan->steps->len);
    hold->gate = holder_gate_new(engine, hold->plan, true, on_gate, hold);
    *ret = hold;
    return 0;
}

/* A write that hangs is part of a job, and what hangs so long is to be undone. */
static bool any_stuck(const Hold *hold)
{
    g_autoptr(GPtrArray) addresses = undo_addresses(hold->journal);

    for (unsigned i = 0; i < addresses->len; i++)
        if (g_hash_table_contains(hold->engine->stuck, g_ptr_array_index(addresses, i)))
            return true;
    return false;
}

int hold_recover(Engine *engine, const char *owner, const HoldHandler *handler, void *userdata, Hold **ret)
{
    g_autoptr(GPtrArray) standing = NULL;
    Hold *hold;

    int r = hold_new(engine, owner, handler, userdata, &hold);
    if (r < 0)
        return r;
    r = journal_read(hold->journal, &standing, NULL);
    if (r < 0) {
        hold_free(hold);
        return r;
    }
    bool whole = undo_is_whole_bind(standing) && !any_stuck(hold);
    hold->bound = whole || !handler->claim(hold, userdata);
    if (!hold->bound) {
        log_notice("%s: usherd went away during the bind; undoing it", owner);
        hold->execution = execution_undo(engine, hold->journal, false, &undo_handler, hold);
    }
    *ret = hold;
    return 0;
}

void hold_restore(Hold *hold, Job *job)
{
    hold->job = job;
    hold->fault = fault_free(hold->fault);
    hold->execution = execution_undo(hold->engine, hold->journal, job != NULL, &undo_handler, hold);
}

DEFINE_FREE(Hold, hold_free, hold)
{
    execution_free(hold->execution);
    holder_gate_free(hold->gate);
    plan_free(hold->plan);
    journal_close(hold->journal);
    fault_free(hold->fault);
    g_free(hold->owner);
}

const char *hold_owner(const Hold *hold)
{
    return hold->owner;
}

bool hold_at_rest(const Hold *hold)
{
    return !hold->execution && !hold->gate;
}

bool hold_bound(const Hold *hold)
{
    return hold->bound;
}

bool hold_covers(const Hold *hold, PciAddress address)
{
    return hold->journal && undo_covers(hold->journal, address);
}

GPtrArray *hold_devices(const Hold *hold)
{
    GPtrArray *devices = undo_addresses(hold->journal);
    const char *asked = owner_bind(hold->owner);

    /* If the bind had only stopped a unit by then, the journal names no device. */
    if (!g_ptr_array_find_with_equal_func(devices, asked, g_str_equal, NULL))
        g_ptr_array_add(devices, g_strdup(asked));
    return devices;
}

GPtrArray *hold_driven(const Hold *hold)
{
    g_autoptr(GPtrArray) steps = hold_plan_restore(hold);
    GPtrArray *driven = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < steps->len; i++) {
        const Step *step = g_ptr_array_index(steps, i);
        /* The undo of the bind itself: the other step has the host's driver on its other side. */
        if (step->kind == STEP_DRIVER && step->before[0] != '\0')
            g_ptr_array_add(driven, g_strdup(step->subject));
    }
    return driven;
}

GPtrArray *hold_plan_restore(const Hold *hold)
{
    return undo_plan(hold->journal);
}
