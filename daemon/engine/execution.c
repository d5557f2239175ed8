/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../base/cleanup.h"
#include "../base/log.h"
#include "../core/pci-address.h"
#include "../edge/clock.h"
#include "../edge/unit-step.h"
#include "../edge/step-mark.h"
#include "execution.h"

struct Execution {
    Engine *engine;
    Journal *journal;
    const ExecutionHandler *handler;
    void *userdata;

    bool backward;
    bool believe_kernel;
    bool stopping;
    bool again;       /* the current step, after its worker was lost */
    GPtrArray *steps; /* of Step, owned, as they are to be taken (an undo: swapped already) */
    GArray *numbers;  /* of unsigned: the journal's, one for each step of an undo */
    unsigned next;
    Step *current;   /* with the guest resolved; NULL between steps */
    unsigned number; /* of current in the journal */

    char *guest;            /* "UID:GID", NULL: not known yet */
    GHashTable *left_alone; /* set of subjects: an undo takes no further step on them */
    Fault *fault;           /* what it will end with */

    WorkerRequest *request;
    Worker *worker;
    bool loading;          /* a module; timed as a worker is */
    UnitStep *unit_step;   /* under way */
    sd_event_source *turn; /* the next step, in a turn of its own */
    sd_event_source *slow;
    sd_event_source *stuck;
};

/* Waits for the answer of a worker that was given up, when the execution is long gone. */
typedef struct Late {
    Engine *engine;
    const ExecutionHandler *handler;
    void *userdata;
    char *subject;
} Late;

static void schedule(Execution *e);

/* While a step is under way nobody reads what the kernel guards by the device's lock, now or after a restart.
 * Returns the descriptor that tells so, -1 for what is no device. */
static int mark_busy(const Execution *e)
{
    const char *subject = e->current->subject;
    PciAddress address;

    if (pci_address_from_string(subject, &address) < 0)
        return -1;
    g_hash_table_add(e->engine->busy, g_strdup(subject));
    int fd = step_mark_take(e->engine->steps_fd, subject);
    if (fd < 0)
        log_device(LOG_WARNING, subject, "cannot note that a step is being taken: %s", strerror(-fd));
    return fd;
}

static void unmark_busy(Engine *engine, const char *subject)
{
    if (g_hash_table_remove(engine->busy, subject))
        step_mark_remove(engine->steps_fd, subject);
}

static void on_late(const WorkerAnswer *answer, void *userdata)
{
    Late *late = userdata;

    g_hash_table_remove(late->engine->stuck, late->subject);
    unmark_busy(late->engine, late->subject);
    log_device(LOG_NOTICE, late->subject, "the kernel came back from a write that had been given up");
    if (late->handler->unstuck)
        late->handler->unstuck(late->subject, late->userdata);
    g_free(late->subject);
    g_free(late);
}

static void stop_timers(Execution *e)
{
    e->slow = sd_event_source_disable_unref(e->slow);
    e->stuck = sd_event_source_disable_unref(e->stuck);
    e->unit_step = unit_step_free(e->unit_step);
}

static void end(Execution *e)
{
    stop_timers(e);
    if (e->request)
        worker_request_cancel(e->request);
    e->request = NULL;
    if (e->worker)
        worker_release(e->worker);
    e->worker = NULL;
    e->handler->ended(e, e->fault, e->userdata);
}

/* The first fault is the one told: what came after it followed from it. */
static void note_fault(Execution *e, Fault *fault)
{
    if (e->fault)
        fault_free(fault);
    else
        e->fault = fault;
}

static const char *or_none(const char *value)
{
    if (!value)
        return "gone";
    return *value ? value : "none";
}

static int journal_mark(Execution *e, JournalMark mark)
{
    int r = journal_write(e->journal, mark, e->number, e->current);
    if (r < 0)
        log_error("cannot write the journal of %s: %s", journal_owner(e->journal), strerror(-r));
    return r;
}

/* An undo is told in the journal by the step as it was taken. */
static void journal_undone(Execution *e)
{
    g_autoptr(Step) taken = step_undo(e->current);
    int r = journal_write(e->journal, JOURNAL_UNDONE, e->number, taken);
    if (r < 0)
        log_error("cannot write the journal of %s: %s", journal_owner(e->journal), strerror(-r));
}

static void step_over(Execution *e)
{
    g_clear_pointer(&e->current, step_free);
    stop_timers(e);
    e->again = false;
    e->next++;
    schedule(e);
}

static void on_done(Execution *e)
{
    if (e->backward)
        journal_undone(e);
    else
        journal_mark(e, JOURNAL_DONE);
    step_over(e);
}

/* Goes on with the other subjects: one device that cannot be given back keeps no other from it. */
static void leave_alone(Execution *e)
{
    g_hash_table_add(e->left_alone, g_strdup(e->current->subject));
    step_over(e);
}

static void on_drift(Execution *e, const char *live)
{
    const Step *s = e->current;
    Fault *fault = fault_new(
        FAULT_DRIFT,
        e->backward ? "somebody else changed it; put it right by hand, then: usherctl restore DEVICE"
                    : "somebody else changed it just now; look at it with usherctl devices, then try again",
        "%s of %s is %s, neither %s nor %s", step_kind_to_string(s->kind), s->subject, or_none(live),
        or_none(s->before), or_none(s->after));

    if (e->backward && e->believe_kernel) {
        log_device(LOG_NOTICE, s->subject, "%s; leaving it as it is", fault->message);
        fault_free(fault);
        on_done(e);
        return;
    }
    if (e->backward)
        log_device(LOG_WARNING, s->subject, "%s", fault->message);
    note_fault(e, fault);
    if (!e->backward) {
        /* Not touched: nothing of it is to be undone, but all that was done to its subject before is. */
        journal_mark(e, JOURNAL_UNDONE);
        end(e);
        return;
    }
    leave_alone(e);
}

static void on_failed(Execution *e, int error, const char *live)
{
    const Step *s = e->current;
    const char *why = error != -EIO || !live ? g_strerror(-error)
                      : s->kind == STEP_UNIT ? "systemd took the request, but did not do it"
                                             : "the kernel took the write, but did not do it";

    /* An administrator wants it back all the same. */
    if (e->backward && e->believe_kernel && s->kind == STEP_RESET) {
        log_device(LOG_WARNING, s->subject, "cannot be reset: %s; giving it back as it is", why);
        on_done(e);
        return;
    }

    note_fault(e, fault_new(FAULT_FAILED,
                            s->kind == STEP_UNIT ? "see systemctl status of it, and journalctl"
                                                 : "see journalctl -k for what the kernel says of it",
                            "%s of %s: cannot go from %s to %s, it is %s: %s", step_kind_to_string(s->kind),
                            s->subject, or_none(s->before), or_none(s->after), or_none(live), why));
    if (!e->backward) {
        end(e);
        return;
    }
    g_autofree char *words = step_describe(s);
    log_device(LOG_WARNING, s->subject, "%s: %s", words, why);
    leave_alone(e);
}

/* Whether it was taken tells a look, which is how a step begins: so an undo takes it again, once. */
static void on_lost(Execution *e)
{
    const Step *s = e->current;

    e->worker = NULL;
    stop_timers(e);
    if (e->backward && !e->again) {
        e->again = true;
        schedule(e);
        return;
    }
    note_fault(e, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                            "usher-bind went away while it set the %s of %s", step_kind_to_string(s->kind),
                            s->subject));
    if (e->backward)
        leave_alone(e);
    else
        end(e);
}

/* A device that does not come back is not tried again behind the administrator's back. What fails on the way
 * to a guest is undone, and no reason; that a reset failed is one both ways. */
static void note_in_ledger(Execution *e, int error)
{
    const Step *s = e->current;
    g_autofree char *words = step_describe(s);
    g_autofree char *what =
        g_strdup_printf("%s failed: %s: %s", e->backward ? "restore" : "reset", words, g_strerror(-error));
    PciAddress address;

    /* That somebody had its group open is no fault of the device. */
    if (s->kind == STEP_RESET && error == -EBUSY)
        return;
    if ((!e->backward && s->kind != STEP_RESET) || pci_address_from_string(s->subject, &address) < 0)
        return;
    int r = ledger_note(e->engine->ledger, s->subject, clock_realtime_usec(), what);
    log_device(LOG_ERR, s->subject, "in quarantine from now on: %s", what);
    if (r < 0)
        log_error("cannot write the ledger of failed devices: %s", strerror(-r));
}

static void on_answer(const WorkerAnswer *answer, void *userdata)
{
    Execution *e = userdata;

    unmark_busy(e->engine, e->current->subject);
    switch (answer->verdict) {
    case WORKER_DONE:
        on_done(e);
        return;
    case WORKER_DRIFT:
        on_drift(e, answer->live);
        return;
    case WORKER_FAILED:
        note_in_ledger(e, answer->error);
        on_failed(e, answer->error, answer->live);
        return;
    case WORKER_LOST:
        on_lost(e);
        return;
    }
}

static int on_slow(sd_event_source *source, uint64_t usec, void *userdata)
{
    Execution *e = userdata;
    g_autofree char *words = step_describe(e->current);

    log_device(LOG_WARNING, e->current->subject, "slow: %s has taken %" G_GUINT64_FORMAT " s so far", words,
               e->engine->slow_usec / G_USEC_PER_SEC);
    return 0;
}

/* Nobody needs to know when it has come after all: a module stays. */
static void stop_loading(Execution *e)
{
    launcher_forget(e->engine->launcher, e);
    e->loading = false;
    stop_timers(e);
}

static int on_stuck(sd_event_source *source, uint64_t usec, void *userdata)
{
    Execution *e = userdata;

    if (e->loading) {
        stop_loading(e);
        note_fault(e, fault_new(FAULT_STUCK, "see journalctl -k; a reboot frees it",
                                "loading the module %s has hung for %" G_GUINT64_FORMAT " s",
                                e->current->subject, e->engine->stuck_usec / G_USEC_PER_SEC));
        end(e);
        return 0;
    }
    Late *late = g_new0(Late, 1);

    *late = (Late){e->engine, e->handler, e->userdata, g_strdup(e->current->subject)};
    g_hash_table_add(e->engine->stuck, g_strdup(late->subject));
    worker_abandon(e->worker, on_late, late);
    e->worker = NULL;

    g_autofree char *words = step_describe(e->current);
    note_fault(
        e, fault_new(FAULT_STUCK,
                     "it is left alone; the rest of the host goes on. See journalctl -k; a reboot frees it",
                     "%s: the write to %s has hung in the kernel for %" G_GUINT64_FORMAT " s", words,
                     e->current->subject, e->engine->stuck_usec / G_USEC_PER_SEC));
    end(e);
    return 0;
}

static void on_module(int error, const char *message, void *userdata)
{
    Execution *e = userdata;
    g_autofree char *live = NULL;

    e->loading = false;
    if (error == 0)
        error = step_read(&e->engine->step_place, e->current, &live);
    if (error == 0 && step_view(e->current, live) == STEP_VIEW_AFTER) {
        on_done(e);
        return;
    }
    note_fault(e, fault_new(FAULT_FAILED, "is CONFIG_VFIO_PCI in this kernel? Try: modprobe vfio-pci",
                            "cannot load the module %s: %s", e->current->subject,
                            message
                                ?: error ? g_strerror(-error)
                                         : "it did not come up"));
    end(e);
}

/* The worker had gone while it had nothing to do, and never got the step. */
static void on_refused(Execution *e, int error)
{
    unmark_busy(e->engine, e->current->subject);
    if (e->worker)
        worker_release(e->worker);
    e->worker = NULL;
    stop_timers(e);
    if (e->again || e->current->kind == STEP_MODULE) {
        on_failed(e, error, NULL);
        return;
    }
    e->again = true;
    schedule(e);
}

static void take_step(Execution *e)
{
    int r;

    clock_after(e->engine->event, e->engine->slow_usec, on_slow, e, &e->slow);
    /* systemd has a time of its own for units. */
    if (e->current->kind != STEP_UNIT)
        clock_after(e->engine->event, e->engine->stuck_usec, on_stuck, e, &e->stuck);
    if (e->current->kind == STEP_MODULE) {
        r = launcher_load_module(e->engine->launcher, e->current->subject, on_module, e);
        e->loading = r >= 0;
    } else if (e->current->kind == STEP_UNIT) {
        e->unit_step = unit_step_new(e->engine->event, e->engine->launcher, e->current, on_answer, e);
        r = 0;
    } else {
        _cleanup_close_ int mark_fd = mark_busy(e);
        r = worker_step_marked(e->worker, e->current, mark_fd, on_answer, e);
    }
    if (r < 0)
        on_refused(e, r);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Execution *e = userdata;

    e->request = NULL;
    e->worker = worker;
    if (worker) {
        schedule(e);
        return;
    }
    note_fault(e, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'", "cannot start usher-bind: %s",
                            message));
    end(e);
}

/* The step to take next, resolved, in e->current; false if it has to wait for the guest's owner. */
static bool resolve(Execution *e)
{
    const Step *s = g_ptr_array_index(e->steps, e->next);

    if (g_str_equal(s->after, STEP_VALUE_GUEST)) {
        if (!e->guest)
            return false;
        e->current = step_new(s->kind, s->subject, s->before, e->guest);
    } else {
        e->current = step_copy(s);
    }
    e->number = e->backward ? g_array_index(e->numbers, unsigned, e->next) : journal_next(e->journal);
    return true;
}

/* Nothing to do for it: the owner is the guest's already, a module stays, or its subject is left alone. */
static bool passes_over(Execution *e)
{
    if (g_hash_table_contains(e->left_alone, e->current->subject)) {
        step_over(e);
        return true;
    }
    if (e->backward && step_kind_kept(e->current->kind)) {
        journal_undone(e);
        step_over(e);
        return true;
    }
    if (!e->backward && !step_kind_held(e->current->kind) &&
        g_str_equal(e->current->before, e->current->after)) {
        step_over(e);
        return true;
    }
    return false;
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
    if (passes_over(e))
        return 0;
    if (!e->worker && e->current->kind != STEP_MODULE && e->current->kind != STEP_UNIT) {
        int r = worker_request(e->engine->workers, on_worker, e, &e->request);
        if (r < 0)
            on_failed(e, r, NULL);
        return 0;
    }
    if (e->handler->progress) {
        g_autofree char *words = step_describe(e->current);
        e->handler->progress(e, words, e->next, e->steps->len, e->userdata);
    }
    /* What the journal does not tell of, nobody would undo. */
    int r = e->backward ? 0 : journal_mark(e, JOURNAL_BEGIN);
    if (r < 0) {
        note_fault(e, fault_new(FAULT_FAILED, "is there room in /run?", "cannot write the journal of %s: %s",
                                journal_owner(e->journal), g_strerror(-r)));
        end(e);
        return 0;
    }
    take_step(e);
    return 0;
}

static void schedule(Execution *e)
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

void execution_stop(Execution *e, Fault *fault)
{
    e->stopping = true;
    note_fault(e, fault);
    if (e->loading)
        stop_loading(e);
    if (!e->current || !e->slow)
        schedule(e);
}

Execution *execution_undo(Engine *engine, Journal *journal, bool believe_kernel,
                          const ExecutionHandler *handler, void *userdata)
{
    Execution *e = execution_new(engine, journal, handler, userdata);
    g_autoptr(GPtrArray) standing = NULL;
    unsigned bad = 0;

    e->backward = true;
    e->believe_kernel = believe_kernel;
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
        g_ptr_array_add(e->steps, step_undo(open->step));
        g_array_append_val(e->numbers, open->number);
    }
    return e;
}

Execution *execution_free(Execution *e)
{
    if (!e)
        return NULL;
    sd_event_source_disable_unref(e->turn);
    if (e->request)
        worker_request_cancel(e->request);
    if (e->worker && e->slow)
        worker_abandon(e->worker, NULL, NULL);
    else if (e->worker)
        worker_release(e->worker);
    launcher_forget(e->engine->launcher, e);
    stop_timers(e);
    g_clear_pointer(&e->current, step_free);
    g_ptr_array_free(e->steps, TRUE);
    g_array_free(e->numbers, TRUE);
    g_hash_table_destroy(e->left_alone);
    fault_free(e->fault);
    g_free(e->guest);
    g_free(e);
    return NULL;
}
