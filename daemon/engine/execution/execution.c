/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk: which step is the next, and when it is over. */
#include <string.h>

#include "../../base/log.h"
#include "private.h"

void execution_end(Execution *e)
{
    execution_stop_timers(e);
    if (e->request)
        worker_request_cancel(e->request);
    e->request = NULL;
    if (e->worker)
        worker_release(e->worker);
    e->worker = NULL;
    e->handler->ended(e, e->fault, e->userdata);
}

void execution_note_fault(Execution *e, Fault *fault)
{
    if (e->fault)
        fault_free(fault);
    else
        e->fault = fault;
}

void execution_step_over(Execution *e)
{
    g_clear_pointer(&e->current, step_free);
    execution_stop_timers(e);
    e->lost = 0;
    e->counted = 0;
    e->next++;
    execution_schedule(e);
}

/* What a step comes to for the guest that e->guest is: where its last word is STEP_VALUE_GUEST, its group is meant.
 * NULL: it has nothing to do with the guest. */
static char *for_guest(const Execution *e, const char *after)
{
    if (g_str_equal(after, STEP_VALUE_GUEST))
        return g_strdup(e->guest ?: "");
    if (!g_str_has_suffix(after, " " STEP_VALUE_GUEST))
        return NULL;
    const char *group = e->guest ? strchr(e->guest, ':') + 1 : "";
    return g_strdup_printf("%.*s%s", (int)(strlen(after) - strlen(STEP_VALUE_GUEST)), after, group);
}

/* The step to take next, resolved, in e->current; false if it has to wait for the guest's owner. */
static bool resolve(Execution *e)
{
    const Step *s = g_ptr_array_index(e->steps, e->next);

    g_autofree char *after = for_guest(e, s->after);

    if (after) {
        if (!e->guest)
            return false;
        e->current = step_new(s->kind, s->subject, s->before, after);
    } else if (step_kind_counted(s->kind)) {
        e->current = execution_count(e, s);
    } else {
        e->current = step_copy(s);
    }
    e->numbered = e->backward;
    if (e->backward)
        e->number = g_array_index(e->numbers, unsigned, e->next);
    return true;
}

/* Nothing to do for it: the owner is the guest's already, a module stays, or its subject is left alone. */
static bool passes_over(Execution *e)
{
    if (e->backward && execution_made_is_left(e))
        g_hash_table_add(e->left_alone, g_strdup(e->current->subject));
    if (g_hash_table_contains(e->left_alone, e->current->subject)) {
        execution_step_over(e);
        return true;
    }
    if (e->backward && step_kind_kept(e->current->kind)) {
        execution_journal_undone(e);
        execution_step_over(e);
        return true;
    }
    if ((!e->backward || step_kind_counted(e->current->kind)) && !step_kind_held(e->current->kind) &&
        g_str_equal(e->current->before, e->current->after)) {
        if (e->backward)
            execution_journal_undone(e);
        execution_step_over(e);
        return true;
    }
    return false;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Execution *e = userdata;

    e->turn = sd_event_source_disable_unref(e->turn);
    if (e->stopping || e->next == e->steps->len) {
        execution_end(e);
        return 0;
    }
    if (!e->current && !resolve(e))
        return 0;
    if (g_hash_table_contains(e->engine->stuck, e->current->subject)) {
        execution_note_fault(e, fault_new(FAULT_STUCK, "see journalctl -k; a reboot frees it",
                                          "%s: an earlier write to it still hangs in the kernel",
                                          e->current->subject));
        execution_end(e);
        return 0;
    }
    if (passes_over(e))
        return 0;
    if (!execution_has_worker(e))
        return 0;
    if (e->handler->progress) {
        g_autofree char *words = step_describe(e->current);
        e->handler->progress(e, words, e->next, e->steps->len, e->userdata);
    }
    /* Only now: another execution may write to the same journal while this one waits for its worker. */
    if (!e->numbered)
        e->number = journal_next(e->journal);
    e->numbered = true;
    /* What the journal does not tell of, nobody would undo. */
    int r = e->backward ? execution_begin_undo(e) : execution_journal(e, JOURNAL_BEGIN);
    if (r < 0) {
        execution_note_fault(e, fault_new(FAULT_FAILED, "is there room in /run?",
                                          "cannot write the journal of %s: %s", journal_owner(e->journal),
                                          g_strerror(-r)));
        execution_end(e);
        return 0;
    }
    execution_take_step(e);
    return 0;
}

void execution_schedule(Execution *e)
{
    if (!e->turn && sd_event_add_defer(e->engine->event, &e->turn, on_turn, e) < 0)
        g_error("out of memory");
}

static Execution *execution_new(Engine *engine, Journal *journal, const ExecutionHandler *handler,
                                void *userdata)
{
    Execution *e = g_new0(Execution, 1);

    e->engine = engine;
    e->journal = journal;
    e->handler = handler;
    e->userdata = userdata;
    e->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    e->certain = g_array_new(FALSE, FALSE, sizeof(bool));
    e->numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
    e->left_alone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    execution_schedule(e);
    return e;
}

Execution *execution_run(Engine *engine, Journal *journal, const GPtrArray *steps,
                         const ExecutionHandler *handler, void *userdata)
{
    Execution *e = execution_new(engine, journal, handler, userdata);

    for (unsigned i = 0; i < steps->len; i++)
        g_ptr_array_add(e->steps, step_copy(g_ptr_array_index(steps, i)));
    return e;
}

void execution_set_guest(Execution *e, uid_t uid, gid_t gid)
{
    g_free(e->guest);
    e->guest = g_strdup_printf("%u:%u", uid, gid);
    if (!e->current)
        execution_schedule(e);
}

void execution_stop(Execution *e, Fault *fault)
{
    e->stopping = true;
    execution_note_fault(e, fault);
    if (e->loading)
        execution_stop_loading(e);
    if (!e->current || !e->late.slow)
        execution_schedule(e);
}

static bool is_among(const GArray *numbers, unsigned number)
{
    for (unsigned i = 0; i < numbers->len; i++)
        if (g_array_index(numbers, unsigned, i) == number)
            return true;
    return false;
}

/* numbers: those to be undone; NULL: all. */
static Execution *undo(Engine *engine, Journal *journal, const GArray *numbers,
                       const ExecutionHandler *handler, void *userdata)
{
    Execution *e = execution_new(engine, journal, handler, userdata);
    g_autoptr(GPtrArray) standing = NULL;
    unsigned bad = 0;

    e->backward = true;
    int r = journal_read(journal, &standing, &bad);
    if (r < 0) {
        execution_note_fault(e, fault_new(FAULT_FAILED, NULL, "cannot read the journal of %s: %s",
                                          journal_owner(journal), g_strerror(-r)));
        return e;
    }
    if (bad > 0)
        log_warning("the journal of %s has %u damaged records; the kernel is believed instead",
                    journal_owner(journal), bad);
    for (unsigned i = standing->len; i > 0; i--) {
        JournalOpen *open = g_ptr_array_index(standing, i - 1);
        if (numbers && !is_among(numbers, open->number))
            continue;
        g_ptr_array_add(e->steps, step_undo(open->step));
        g_array_append_val(e->numbers, open->number);
        g_array_append_val(e->certain, open->certain);
    }
    return e;
}

Execution *execution_undo(Engine *engine, Journal *journal, bool believe_kernel,
                          const ExecutionHandler *handler, void *userdata)
{
    Execution *e = undo(engine, journal, NULL, handler, userdata);

    e->believe_kernel = believe_kernel;
    return e;
}

Execution *execution_undo_some(Engine *engine, Journal *journal, const GArray *numbers,
                               const ExecutionHandler *handler, void *userdata)
{
    return undo(engine, journal, numbers, handler, userdata);
}

Execution *execution_free(Execution *e)
{
    if (!e)
        return NULL;
    sd_event_source_disable_unref(e->turn);
    if (e->request)
        worker_request_cancel(e->request);
    if (e->worker && e->late.slow)
        worker_abandon(e->worker, NULL, NULL);
    else if (e->worker)
        worker_release(e->worker);
    launcher_forget(e->engine->launcher, e);
    execution_stop_timers(e);
    g_clear_pointer(&e->current, step_free);
    g_ptr_array_free(e->steps, TRUE);
    g_array_free(e->numbers, TRUE);
    g_array_free(e->certain, TRUE);
    g_hash_table_destroy(e->left_alone);
    fault_free(e->fault);
    g_free(e->guest);
    g_free(e);
    return NULL;
}
