/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "execution.h"
#include "taker.h"

/* How often somebody else may change a number between our look and the worker's. */
#define COUNT_PATIENCE 5
/* Ends a step that kills each usher-bind, without giving up devices for one that was killed. */
#define LOST_MAX 4

struct Execution {
    Engine *engine;
    Journal *journal;
    const ExecutionHandler *handler;
    void *userdata;

    bool backward;
    bool believe_kernel;
    bool stopping;
    unsigned counted; /* how often somebody else changed the current step's number meanwhile */
    unsigned lost;    /* how many workers the current step lost */
    GPtrArray *steps; /* of Step, owned, as they are to be taken (an undo: swapped already) */
    GArray *numbers;  /* of unsigned: the journal's, one for each step of an undo */
    GArray *certain;  /* of bool, likewise: the step was seen to be done */
    unsigned next;
    Step *current;   /* with the guest resolved; NULL between steps */
    unsigned number; /* of current in the journal, */
    bool numbered;   /* from its begin on */

    char *guest;            /* "UID:GID", NULL: not known yet */
    GHashTable *left_alone; /* set of subjects: an undo takes no further step on them */
    Fault *fault;           /* what it will end with */
    Taker *taker;
    sd_event_source *turn; /* takes the next step in a turn of its own */
};

static int on_turn(sd_event_source *source, void *userdata);

static void schedule(Execution *e)
{
    if (!e->turn && sd_event_add_defer(e->engine->event, &e->turn, on_turn, e) < 0)
        g_error("out of memory");
}

static void end(Execution *e)
{
    taker_let_go(e->taker);
    e->handler->ended(e, e->fault, e->userdata);
}

/* Keeps the first fault, which is the one reported: later ones followed from it. Takes it over. */
static void note_fault(Execution *e, Fault *fault)
{
    if (e->fault)
        fault_free(fault);
    else
        e->fault = fault;
}

static void step_over(Execution *e)
{
    g_clear_pointer(&e->current, step_free);
    e->lost = 0;
    e->counted = 0;
    e->next++;
    schedule(e);
}

/* The journal. */

static int write_journal(Execution *e, JournalMark mark, const Step *step)
{
    int r = journal_write(e->journal, mark, e->number, step);
    if (r < 0)
        log_error("cannot write the journal of %s: %s", journal_owner(e->journal), strerror(-r));
    return r;
}

/* Nobody would undo what the journal does not record. Counted steps are recorded on the way back too: a
 * difference undone twice is somebody else's loss, so after a crash the live value has to show whether it was
 * undone. An undo is recorded as the step that was taken. */
static int journal_begin(Execution *e)
{
    g_autoptr(Step) taken = e->backward ? step_undo(e->current) : step_copy(e->current);

    return e->backward && !step_kind_counted(taken->kind) ? 0 : write_journal(e, JOURNAL_BEGIN, taken);
}

static void journal_done(Execution *e)
{
    g_autoptr(Step) taken = e->backward ? step_undo(e->current) : step_copy(e->current);

    write_journal(e, e->backward ? JOURNAL_UNDONE : JOURNAL_DONE, taken);
}

/* What came of a step. */

/* Goes on with the other subjects: they can be given back even if this one cannot. */
static void leave_alone(Execution *e)
{
    g_hash_table_add(e->left_alone, g_strdup(e->current->subject));
    step_over(e);
}

static bool is_certain(const Execution *e)
{
    return !e->backward || g_array_index(e->certain, bool, e->next);
}

/* A part of what was asked for has come; the undo takes that part away. */
static void journal_part(Execution *e, const char *live)
{
    g_autoptr(Step) part = step_new(e->current->kind, e->current->subject, e->current->before, live);

    write_journal(e, JOURNAL_DONE, part);
}

/* A device whose reset fails, or that cannot be given back, is not tried again behind the administrator's
 * back. */
static void note_in_ledger(const Execution *e, const char *what)
{
    int r = ledger_note(e->engine->ledger, e->current->subject, clock_realtime_usec(), what);

    log_device(LOG_ERR, e->current->subject, "in quarantine from now on: %s", what);
    if (r < 0)
        log_error("cannot write the ledger of failed devices: %s", strerror(-r));
}

static void count_again(Execution *e)
{
    e->counted++;
    if (!e->backward)
        write_journal(e, JOURNAL_UNDONE, e->current);
    g_clear_pointer(&e->current, step_free);
    schedule(e);
}

static void go_on(Execution *e, StepEnd how, const char *live)
{
    switch (how) {
    case STEP_END_DONE:
        journal_done(e);
        step_over(e);
        return;
    case STEP_END_COUNT_AGAIN:
        count_again(e);
        return;
    case STEP_END_TRY_AGAIN:
        e->lost++;
        schedule(e);
        return;
    case STEP_END_UNTOUCHED:
        write_journal(e, JOURNAL_UNDONE, e->current);
        break;
    case STEP_END_SHORT:
        journal_part(e, live);
        break;
    case STEP_END_FAILED:
        if (e->backward) {
            leave_alone(e);
            return;
        }
        break;
    case STEP_END_STOPS:
        break;
    }
    end(e);
}

static void on_answered(const WorkerAnswer *answer, void *userdata)
{
    Execution *e = userdata;
    const StepTaking taking = {
        .owner = journal_owner(e->journal),
        .backward = e->backward,
        .believe_kernel = e->believe_kernel,
        .may_count_again = is_certain(e) && e->counted < COUNT_PATIENCE,
        .may_try_again = e->lost + 1 < LOST_MAX,
        .stuck_usec = e->engine->limits.stuck_usec,
    };
    g_auto(StepOutcome) outcome = step_outcome(e->current, &taking, answer);

    if (outcome.quarantine)
        note_in_ledger(e, outcome.quarantine);
    if (outcome.log)
        log_device(outcome.log_level, e->current->subject, "%s", outcome.log);
    if (outcome.fault)
        note_fault(e, g_steal_pointer(&outcome.fault));
    go_on(e, outcome.end, answer->live);
}

static void on_ready(void *userdata)
{
    schedule(userdata);
}

/* The next step. */

/* The value with e->guest put in: STEP_VALUE_GUEST alone is the owner, as the last word it is the owner's
 * group. NULL: the value does not name the guest. */
static char *for_guest(const Execution *e, const char *after)
{
    if (g_str_equal(after, STEP_VALUE_GUEST))
        return g_strdup(e->guest ?: "");
    if (!g_str_has_suffix(after, " " STEP_VALUE_GUEST))
        return NULL;
    const char *group = e->guest ? strchr(e->guest, ':') + 1 : "";
    return g_strdup_printf("%.*s%s", (int)(strlen(after) - strlen(STEP_VALUE_GUEST)), after, group);
}

/* Makes the counted step from the number that is there now. Whether a step that was only begun was taken,
 * nobody knows, unless the number is still one of its two. */
static Step *count(const Execution *e, const Step *s)
{
    g_autofree char *live = NULL;
    Step *step = NULL;

    if (step_look(&e->engine->step_place, s, &live) < 0)
        return step_copy(s);
    if (is_certain(e))
        step = step_rebase(s, live);
    else if (g_strcmp0(live, s->after) == 0)
        step = step_new(s->kind, s->subject, s->after, s->after);
    return step ?: step_copy(s);
}

/* Resolves the next step into e->current; false if that has to wait for the guest's owner. */
static bool resolve(Execution *e)
{
    const Step *s = g_ptr_array_index(e->steps, e->next);

    g_autofree char *after = for_guest(e, s->after);

    if (after) {
        if (!e->guest)
            return false;
        e->current = step_new(s->kind, s->subject, s->before, after);
    } else if (step_kind_counted(s->kind)) {
        e->current = count(e, s);
    } else {
        e->current = step_copy(s);
    }
    e->numbered = e->backward;
    if (e->backward)
        e->number = g_array_index(e->numbers, unsigned, e->next);
    return true;
}

/* A virtual function that the current step would unmake was left alone: a later try gives that back first. */
static bool made_is_left(const Execution *e)
{
    GHashTableIter iter;
    const char *subject;

    if (e->current->kind != STEP_FUNCTIONS)
        return false;
    g_hash_table_iter_init(&iter, e->left_alone);
    while (g_hash_table_iter_next(&iter, (void **)&subject, NULL)) {
        g_autofree char *link = g_strdup_printf("bus/pci/devices/%s/physfn", subject), *physical = NULL;
        if (!strchr(subject, '/') && file_link_name_at(e->engine->step_place.sys_fd, link, &physical) >= 0 &&
            g_str_equal(physical, e->current->subject))
            return true;
    }
    return false;
}

/* Nothing to do: the guest owns it already, a module stays, or the subject is left alone. */
static bool passes_over(Execution *e)
{
    if (e->backward && made_is_left(e))
        g_hash_table_add(e->left_alone, g_strdup(e->current->subject));
    if (g_hash_table_contains(e->left_alone, e->current->subject)) {
        step_over(e);
        return true;
    }
    bool nothing = (!e->backward || step_kind_counted(e->current->kind)) &&
                   !step_kind_held(e->current->kind) && g_str_equal(e->current->before, e->current->after);
    if ((e->backward && step_kind_kept(e->current->kind)) || nothing) {
        if (e->backward)
            journal_done(e);
        step_over(e);
        return true;
    }
    return false;
}

static void take(Execution *e)
{
    if (e->handler->progress) {
        g_autofree char *words = step_describe(e->current);
        e->handler->progress(e, words, e->next, e->steps->len, e->userdata);
    }
    /* Numbered only now: another execution may write to the same journal while this one waits for a
     * worker. */
    if (!e->numbered)
        e->number = journal_next(e->journal);
    e->numbered = true;
    int r = journal_begin(e);
    if (r < 0) {
        note_fault(e, fault_new(FAULT_FAILED, "is there room in /run?", "cannot write the journal of %s: %s",
                                journal_owner(e->journal), g_strerror(-r)));
        end(e);
        return;
    }
    taker_take(e->taker, e->current);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Execution *e = userdata;

    e->turn = sd_event_source_disable_unref(e->turn);
    if (e->stopping || e->next == e->steps->len) {
        end(e);
        return 0;
    }
    if (!e->current && !resolve(e))
        return 0;
    if (g_hash_table_contains(e->engine->stuck, e->current->subject)) {
        note_fault(e, fault_new(FAULT_STUCK, "see journalctl -k; a reboot frees it",
                                "%s: an earlier write to it still hangs in the kernel", e->current->subject));
        end(e);
        return 0;
    }
    if (!passes_over(e) && taker_ready(e->taker, e->current))
        take(e);
    return 0;
}

static Execution *execution_new(Engine *engine, Journal *journal, const ExecutionHandler *handler,
                                void *userdata)
{
    static const TakerHandler taker_handler = {on_ready, on_answered};
    Execution *e = g_new0(Execution, 1);

    *e = (Execution){.engine = engine, .journal = journal, .handler = handler, .userdata = userdata};
    e->taker = taker_new(engine, &taker_handler, e);
    taker_set_unstuck(e->taker, handler->unstuck, userdata);
    e->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    e->certain = g_array_new(FALSE, FALSE, sizeof(bool));
    e->numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
    e->left_alone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    schedule(e);
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
        schedule(e);
}

void execution_set_unstuck(Execution *e, void (*unstuck)(const char *subject, void *userdata), void *userdata)
{
    taker_set_unstuck(e->taker, unstuck, userdata);
}

void execution_stop(Execution *e, Fault *fault)
{
    e->stopping = true;
    note_fault(e, fault);
    taker_stop_loading(e->taker);
    if (!taker_at_work(e->taker))
        schedule(e);
}

static bool is_among(const GArray *numbers, unsigned number)
{
    for (unsigned i = 0; i < numbers->len; i++)
        if (g_array_index(numbers, unsigned, i) == number)
            return true;
    return false;
}

/* numbers: the steps to undo; NULL: all. */
static Execution *undo(Engine *engine, Journal *journal, const GArray *numbers,
                       const ExecutionHandler *handler, void *userdata)
{
    Execution *e = execution_new(engine, journal, handler, userdata);
    g_autoptr(GPtrArray) standing = NULL;
    unsigned bad = 0;

    e->backward = true;
    int r = journal_read(journal, &standing, &bad);
    if (r < 0) {
        note_fault(e, fault_new(FAULT_FAILED, NULL, "cannot read the journal of %s: %s",
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

DEFINE_FREE(Execution, execution_free, e)
{
    sd_event_source_disable_unref(e->turn);
    taker_free(e->taker);
    g_clear_pointer(&e->current, step_free);
    g_ptr_array_free(e->steps, TRUE);
    g_array_free(e->numbers, TRUE);
    g_array_free(e->certain, TRUE);
    g_hash_table_destroy(e->left_alone);
    fault_free(e->fault);
    g_free(e->guest);
}
