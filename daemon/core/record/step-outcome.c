/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <syslog.h>

#include "../../base/remedy.h"
#include "../host/holder.h"
#include "../host/vfio-driver.h"
#include "owner.h"
#include "step-outcome.h"

#define SEE_KERNEL "see what the kernel says: journalctl -k"
#define INSTEAD SEE_KERNEL "; or write Driver=vfio-pci into the device's section"

static const char *or_none(const char *value)
{
    if (!value)
        return "gone";
    return *value ? value : "none";
}

static const char *why_failed(const Step *s, const WorkerAnswer *answer)
{
    if (answer->error != -EIO || !answer->live)
        return g_strerror(-answer->error);
    if (step_kind_systemd(s->kind))
        return "systemd took the request, but did not do it";
    if (s->kind == STEP_RESET && g_str_equal(answer->live, STEP_LIVE_SILENT))
        return "the device does not answer any more";
    return "the kernel took the write, but did not do it";
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

/* Steps that are left are tried again by the name of the step's device, or else by the name of its owner. */
static char *drift_remedy(const Step *s, const StepTaking *taking)
{
    g_autofree char *device = device_of(s);

    if (!taking->backward)
        return g_strdup("somebody else changed it just now; see usherctl devices, then try again");
    return g_strdup_printf("somebody else changed it; put it right by hand, then: usherctl %s %s",
                           device || owner_bind(taking->owner) ? "restore" : "stop",
                           device ?: owner_name(taking->owner));
}

static Fault *drift_fault(const Step *s, const StepTaking *taking, const char *live)
{
    const char *kind = step_kind_to_string(s->kind);
    g_autofree char *remedy = drift_remedy(s, taking);

    if (!taking->backward && step_forestalled(s, live))
        return fault_new(FAULT_DRIFT, remedy, "%s of %s is %s already", kind, s->subject, or_none(live));
    return fault_new(FAULT_DRIFT, remedy, "%s of %s is %s, neither %s nor %s", kind, s->subject,
                     or_none(live), or_none(s->before), or_none(s->after));
}

/* Logs, too, if the step is left alone: an undo only reports its first fault. */
static StepOutcome left_alone(Fault *fault, const StepTaking *taking, const char *log)
{
    return (StepOutcome){STEP_END_FAILED, fault, taking->backward ? g_strdup(log) : NULL, LOG_WARNING};
}

static StepOutcome on_drift(const Step *s, const StepTaking *taking, const WorkerAnswer *answer)
{
    if (step_kind_counted(s->kind) && taking->may_count_again)
        return (StepOutcome){STEP_END_COUNT_AGAIN};
    Fault *fault = drift_fault(s, taking, answer->live);

    if (!taking->backward)
        return (StepOutcome){STEP_END_UNTOUCHED, fault};
    if (!taking->believe_kernel && !step_kind_yields(s->kind))
        return left_alone(fault, taking, fault->message);
    /* Nobody can tell any more which part of a number is ours, and a governor that somebody chose is his
     * choice: both are the host's now. */
    char *log = g_strdup_printf("%s; leaving it as it is", fault->message);
    fault_free(fault);
    return (StepOutcome){STEP_END_DONE, NULL, log, LOG_NOTICE};
}

static StepOutcome fell_short(const Step *s, const char *live)
{
    gint64 before = g_ascii_strtoll(s->before, NULL, 10), had = g_ascii_strtoll(live, NULL, 10) - before,
           missing = g_ascii_strtoll(s->after, NULL, 10) - before;
    g_autofree char *set =
        g_strdup_printf("hugepagesz=%s hugepages=%" G_GINT64_FORMAT, strchr(s->subject, '/') + 1, missing);
    g_autofree char *boot = remedy_boot_with(set);
    g_autofree char *remedy = g_strconcat(
        "end what uses memory, or reserve the pages at boot, when memory is not fragmented yet: ", boot,
        NULL);

    return (StepOutcome){
        STEP_END_SHORT, fault_new(FAULT_FAILED, remedy,
                                  "%s: the host could make only %" G_GINT64_FORMAT " of the %" G_GINT64_FORMAT
                                  " huge pages that are missing: its memory is used or fragmented",
                                  s->subject, had, missing)};
}

/* A variant of vfio-pci may be blacklisted, or refuse the device, which vfio-pci itself lends, too. */
static bool by_variant(const Step *s)
{
    const char *driver = s->kind == STEP_MODULE ? s->subject : s->kind == STEP_DRIVER ? s->after : "";

    return vfio_driver_named(driver) && !vfio_driver_same(driver, VFIO_DRIVER);
}

/* Why a unit did not start stands with those that it requires. */
static const char *where_to_look(const Step *s)
{
    if (s->kind == STEP_UNIT && g_str_has_prefix(s->subject, "usher-nat@"))
        return "see why: journalctl -b -u usher-nat -u usher-nat-dhcp; or write Mode=user";
    return step_kind_systemd(s->kind) ? "see what systemd says: systemctl status, and journalctl"
           : by_variant(s)            ? INSTEAD
                                      : SEE_KERNEL;
}

static Fault *failure(const Step *s, const WorkerAnswer *answer, const char *why)
{
    if (s->kind == STEP_MODULE)
        return fault_new(FAULT_FAILED,
                         by_variant(s)
                             ? INSTEAD
                             : "see whether this kernel has the module: try modprobe, and see journalctl -k",
                         "cannot load the module %s: %s", s->subject,
                         answer->message
                             ?: answer->live ? "it did not come up"
                                             : why);
    if (s->kind == STEP_RESET)
        return fault_new(FAULT_FAILED, SEE_KERNEL, "reset of %s failed: %s", s->subject, why);
    return fault_new(FAULT_FAILED, where_to_look(s), "%s of %s: cannot go from %s to %s, it is %s: %s",
                     step_kind_to_string(s->kind), s->subject, or_none(s->before), or_none(s->after),
                     or_none(answer->live), why);
}

static StepOutcome on_failed(const Step *s, const StepTaking *taking, const WorkerAnswer *answer)
{
    const char *why = why_failed(s, answer);

    /* An administrator wants the device back all the same. */
    if (taking->backward && taking->believe_kernel && (s->kind == STEP_RESET || s->kind == STEP_BAR_SIZE))
        return (StepOutcome){STEP_END_DONE, NULL,
                             g_strdup_printf("cannot be %s: %s; giving it back as it is",
                                             s->kind == STEP_RESET ? "reset" : "resized", why),
                             LOG_WARNING};
    if (!taking->backward && step_kind_counted(s->kind) && answer->live)
        return fell_short(s, answer->live);
    g_autofree char *words = step_describe(s), *log = g_strdup_printf("%s: %s", words, why);
    return left_alone(failure(s, answer, why), taking, log);
}

/* A failure on the way to a guest is undone, and an administrator sees the failures of his own tries. If
 * somebody has the group open, that is no fault of the device's, neither for a reset nor for its driver. The
 * kernel hides a driver's own failure (really_probe()), but reports a group that is not free. */
static bool failure_counts(const Step *s, const StepTaking *taking, int error)
{
    if (s->kind == STEP_RESET)
        return error != -EBUSY;
    return s->kind == STEP_DRIVER && taking->backward && !taking->believe_kernel && error == -EIO;
}

static char *quarantine(const Step *s, const StepTaking *taking, const WorkerAnswer *answer)
{
    if (!failure_counts(s, taking, answer->error))
        return NULL;
    const char *why = why_failed(s, answer);
    if (s->kind == STEP_RESET)
        return g_strdup_printf("reset failed: %s", why);
    g_autofree char *words = step_describe(s);
    return g_strdup_printf("restore failed: %s: %s", words, why);
}

/* Somebody has begun to use a disk since the plan was judged, so the disk keeps its driver. */
static StepOutcome on_held(const Step *s, const StepTaking *taking, const WorkerAnswer *answer)
{
    g_autoptr(GPtrArray) stop = NULL;
    Fault *fault = NULL;

    if (holders_judge(answer->holders, NULL, &stop, &fault) == 0)
        return on_failed(s, taking, answer);
    return left_alone(fault, taking, fault->message);
}

static StepOutcome on_lost(const Step *s)
{
    return (StepOutcome){STEP_END_FAILED, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                                    "usher-bind went away while it set the %s of %s",
                                                    step_kind_to_string(s->kind), s->subject)};
}

static StepOutcome on_stuck(const Step *s, const StepTaking *taking)
{
    const uint64_t seconds = taking->stuck_usec / G_USEC_PER_SEC;

    if (s->kind == STEP_MODULE)
        return (StepOutcome){STEP_END_STOPS,
                             fault_new(FAULT_STUCK, "see journalctl -k; a reboot frees it",
                                       "loading the module %s has hung for %" G_GUINT64_FORMAT " s",
                                       s->subject, seconds)};
    g_autofree char *words = step_describe(s);
    Fault *fault = fault_new(
        FAULT_STUCK,
        "usherd leaves it alone, and the rest of the host goes on; see journalctl -k; a reboot frees it",
        "%s: the write to %s has hung in the kernel for %" G_GUINT64_FORMAT " s", words, s->subject, seconds);
    /* A driver that hangs may wait for somebody who has the device open. */
    const WorkerAnswer late = {WORKER_FAILED, .error = -ETIMEDOUT};
    return (StepOutcome){STEP_END_STOPS, fault,
                         .quarantine = s->kind == STEP_RESET ? quarantine(s, taking, &late) : NULL};
}

StepOutcome step_outcome(const Step *s, const StepTaking *taking, const WorkerAnswer *answer)
{
    StepOutcome outcome = {STEP_END_DONE};

    switch (answer->verdict) {
    case WORKER_DONE:
        return outcome;
    case WORKER_DRIFT:
        return on_drift(s, taking, answer);
    case WORKER_FAILED:
        if (answer->holders)
            return on_held(s, taking, answer);
        outcome = on_failed(s, taking, answer);
        outcome.quarantine = quarantine(s, taking, answer);
        return outcome;
    case WORKER_REFUSED:
        return on_failed(s, taking, answer);
    case WORKER_LOST:
        /* A look tells whether the step was taken, and a step begins with a look. */
        return taking->backward && taking->may_try_again ? (StepOutcome){STEP_END_TRY_AGAIN} : on_lost(s);
    case WORKER_GONE:
        return taking->may_try_again ? (StepOutcome){STEP_END_TRY_AGAIN} : on_lost(s);
    case WORKER_NONE:
        if (taking->backward && taking->may_try_again)
            return (StepOutcome){STEP_END_TRY_AGAIN};
        return (StepOutcome){STEP_END_STOPS, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                                       "cannot start usher-bind: %s", answer->message)};
    case WORKER_STUCK:
        return on_stuck(s, taking);
    }
    return outcome;
}

void step_outcome_clear(StepOutcome *outcome)
{
    outcome->fault = fault_free(outcome->fault);
    g_clear_pointer(&outcome->log, g_free);
    g_clear_pointer(&outcome->quarantine, g_free);
}
