/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What came of a step, told to the journal, to the log, and to who waits for the execution. */
#include <errno.h>
#include <string.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

int execution_journal(Execution *e, JournalMark mark)
{
    int r = journal_write(e->journal, mark, e->number, e->current);
    if (r < 0)
        log_error("cannot write the journal of %s: %s", journal_owner(e->journal), strerror(-r));
    return r;
}

void execution_journal_undone(Execution *e)
{
    g_autoptr(Step) taken = step_undo(e->current);
    int r = journal_write(e->journal, JOURNAL_UNDONE, e->number, taken);
    if (r < 0)
        log_error("cannot write the journal of %s: %s", journal_owner(e->journal), strerror(-r));
}

static const char *or_none(const char *value)
{
    if (!value)
        return "gone";
    return *value ? value : "none";
}

void execution_done(Execution *e)
{
    if (e->backward)
        execution_journal_undone(e);
    else
        execution_journal(e, JOURNAL_DONE);
    execution_step_over(e);
}

/* Goes on with the other subjects: one device that cannot be given back keeps no other from it. */
static void leave_alone(Execution *e)
{
    g_hash_table_add(e->left_alone, g_strdup(e->current->subject));
    execution_step_over(e);
}

/* The device that a step is about, or NULL. The caller frees it. */
static char *device_of(const Step *s)
{
    g_autofree char *type = NULL;
    PciAddress address;

    bool device = s->kind == STEP_MEDIATED ? step_mediated(s, &type, &address)
                                           : pci_address_from_string(s->subject, &address) == 0;
    return device ? g_strdup(PCI_ADDRESS_STR(address)) : NULL;
}

/* What is left of a subject is tried again by its device's name, or by that of whose it was. */
static char *drift_remedy(const Execution *e)
{
    const char *owner = journal_owner(e->journal), *name = strchr(owner, '/') + 1;
    g_autofree char *device = device_of(e->current);

    if (!e->backward)
        return g_strdup(
            "somebody else changed it just now; look at it with usherctl devices, then try again");
    return g_strdup_printf("somebody else changed it; put it right by hand, then: usherctl %s %s",
                           device || !g_str_has_prefix(owner, "guest/") ? "restore" : "stop",
                           device ?: name);
}

static Fault *drift(const Execution *e, const char *live)
{
    const Step *s = e->current;
    const char *kind = step_kind_to_string(s->kind);
    g_autofree char *remedy = drift_remedy(e);

    if (!e->backward && step_forestalled(s, live))
        return fault_new(FAULT_DRIFT, remedy, "%s of %s is %s already", kind, s->subject, or_none(live));
    return fault_new(FAULT_DRIFT, remedy, "%s of %s is %s, neither %s nor %s", kind, s->subject,
                     or_none(live), or_none(s->before), or_none(s->after));
}

static void on_drift(Execution *e, const char *live)
{
    const Step *s = e->current;

    if (execution_count_again(e))
        return;
    Fault *fault = drift(e, live);

    /* Which part of a number is ours nobody can tell any more, and a governor that somebody chose is his
     * choice: it is the host's now. */
    if (e->backward && (e->believe_kernel || step_kind_yields(s->kind))) {
        log_device(LOG_NOTICE, s->subject, "%s; leaving it as it is", fault->message);
        fault_free(fault);
        execution_done(e);
        return;
    }
    if (e->backward)
        log_device(LOG_WARNING, s->subject, "%s", fault->message);
    execution_note_fault(e, fault);
    if (!e->backward) {
        /* Not touched: nothing of it is to be undone, but all that was done to its subject before is. */
        execution_journal(e, JOURNAL_UNDONE);
        execution_end(e);
        return;
    }
    leave_alone(e);
}

static const char *why_failed(const Step *s, int error, const char *live)
{
    if (error != -EIO || !live)
        return g_strerror(-error);
    if (step_kind_systemd(s->kind))
        return "systemd took the request, but did not do it";
    if (s->kind == STEP_RESET && g_str_equal(live, STEP_LIVE_SILENT))
        return "it does not answer any more";
    return "the kernel took the write, but did not do it";
}

static Fault *failure(const Step *s, const char *live, const char *why)
{
    const char *remedy = step_kind_systemd(s->kind) ? "see systemctl status of it, and journalctl"
                                                    : "see journalctl -k for what the kernel says of it";

    if (s->kind == STEP_RESET)
        return fault_new(FAULT_FAILED, remedy, "reset of %s failed: %s", s->subject, why);
    return fault_new(FAULT_FAILED, remedy, "%s of %s: cannot go from %s to %s, it is %s: %s",
                     step_kind_to_string(s->kind), s->subject, or_none(s->before), or_none(s->after),
                     or_none(live), why);
}

void execution_failed(Execution *e, int error, const char *live)
{
    const Step *s = e->current;
    const char *why = why_failed(s, error, live);

    /* An administrator wants it back all the same. */
    if (e->backward && e->believe_kernel && s->kind == STEP_RESET) {
        log_device(LOG_WARNING, s->subject, "cannot be reset: %s; giving it back as it is", why);
        execution_done(e);
        return;
    }
    bool short_of_it = !e->backward && step_kind_counted(s->kind) && live;
    execution_note_fault(e, short_of_it ? execution_fell_short(e, live) : failure(s, live, why));
    if (!e->backward) {
        execution_end(e);
        return;
    }
    g_autofree char *words = step_describe(s);
    log_device(LOG_WARNING, s->subject, "%s: %s", words, why);
    leave_alone(e);
}

void execution_lost(Execution *e)
{
    const Step *s = e->current;

    execution_note_fault(e, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                      "usher-bind went away while it set the %s of %s",
                                      step_kind_to_string(s->kind), s->subject));
    if (e->backward)
        leave_alone(e);
    else
        execution_end(e);
}

/* A disk has come to be used since the plan was judged, and keeps its driver. */
static void on_held(Execution *e, const WorkerAnswer *answer)
{
    g_autoptr(GPtrArray) stop = NULL;
    Fault *fault = NULL;

    if (holders_judge(answer->holders, NULL, &stop, &fault) == 0) {
        execution_failed(e, answer->error, answer->live);
        return;
    }
    if (e->backward)
        log_device(LOG_WARNING, e->current->subject, "%s", fault->message);
    execution_note_fault(e, fault);
    if (e->backward)
        leave_alone(e);
    else
        execution_end(e);
}

/* What failed on the way to a guest is undone, and what an administrator tried he sees himself. That somebody
 * has the group open is no fault of the device's: neither for a reset nor for its driver, whose own failure
 * the kernel keeps to itself (really_probe()), while it reports that the group is not free. */
static bool failure_counts(const Execution *e, int error)
{
    if (e->current->kind == STEP_RESET)
        return error != -EBUSY;
    return e->current->kind == STEP_DRIVER && e->backward && !e->believe_kernel && error == -EIO;
}

void execution_note_in_ledger(const Execution *e, int error, const char *live)
{
    const Step *s = e->current;

    if (!failure_counts(e, error))
        return;
    g_autofree char *words = step_describe(s);
    const char *why = why_failed(s, error, live);
    g_autofree char *what = s->kind == STEP_RESET ? g_strdup_printf("reset failed: %s", why)
                                                  : g_strdup_printf("restore failed: %s: %s", words, why);
    int r = ledger_note(e->engine->ledger, s->subject, clock_realtime_usec(), what);
    log_device(LOG_ERR, s->subject, "in quarantine from now on: %s", what);
    if (r < 0)
        log_error("cannot write the ledger of failed devices: %s", strerror(-r));
}

void execution_answer(const WorkerAnswer *answer, void *userdata)
{
    Execution *e = userdata;

    execution_unmark_busy(e->engine, e->current->subject);
    switch (answer->verdict) {
    case WORKER_DONE:
        execution_done(e);
        return;
    case WORKER_DRIFT:
        on_drift(e, answer->live);
        return;
    case WORKER_FAILED:
        if (answer->holders) {
            on_held(e, answer);
            return;
        }
        execution_note_in_ledger(e, answer->error, answer->live);
        execution_failed(e, answer->error, answer->live);
        return;
    case WORKER_LOST:
        e->worker = NULL;
        execution_stop_timers(e);
        /* Whether it was taken tells a look, which is how a step begins. */
        if (!e->backward || !execution_try_again(e))
            execution_lost(e);
        return;
    }
}
