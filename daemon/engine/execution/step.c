/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A step under way: who takes it, how long that may last, and what is kept while nobody knows how it ends. */
#include <errno.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../../core/host/pci-address.h"
#include "../../edge/host-services/clock.h"
#include "../../edge/store/step-mark.h"
#include "private.h"

/* Waits for the answer of a worker that was given up, when the execution is long gone. */
typedef struct Late {
    Engine *engine;
    const ExecutionHandler *handler;
    void *userdata;
    char *subject;
} Late;

/* While a step is under way nobody reads what the kernel guards by the device's lock, now or after a restart.
 * Returns the descriptor that tells so, -1 for what is no device. */
static int mark_busy(const Execution *e)
{
    const char *subject = e->current->subject;
    PciAddress address;

    if (e->current->kind != STEP_MEDIATED && pci_address_from_string(subject, &address) < 0)
        return -1;
    g_hash_table_add(e->engine->busy, g_strdup(subject));
    int fd = step_mark_take(e->engine->steps_fd, subject);
    if (fd < 0)
        log_device(LOG_WARNING, subject, "cannot note that a step is being taken: %s", strerror(-fd));
    return fd;
}

void execution_unmark_busy(Engine *engine, const char *subject)
{
    if (g_hash_table_remove(engine->busy, subject))
        step_mark_remove(engine->steps_fd, subject);
}

bool execution_made_is_left(const Execution *e)
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

static void on_late(const WorkerAnswer *answer, void *userdata)
{
    Late *late = userdata;

    g_hash_table_remove(late->engine->stuck, late->subject);
    execution_unmark_busy(late->engine, late->subject);
    log_device(LOG_NOTICE, late->subject, "the kernel came back from a write that had been given up");
    if (late->handler->unstuck)
        late->handler->unstuck(late->subject, late->userdata);
    g_free(late->subject);
    g_free(late);
}

void execution_stop_timers(Execution *e)
{
    e->late.slow = sd_event_source_disable_unref(e->late.slow);
    e->late.stuck = sd_event_source_disable_unref(e->late.stuck);
    e->by_systemd.unit = unit_step_free(e->by_systemd.unit);
    e->by_systemd.slice = slice_step_free(e->by_systemd.slice);
}

static int on_slow(sd_event_source *source, uint64_t usec, void *userdata)
{
    Execution *e = userdata;
    g_autofree char *words = step_describe(e->current);

    log_device(LOG_WARNING, e->current->subject, "slow: %s has taken %" G_GUINT64_FORMAT " s so far", words,
               e->engine->slow_usec / G_USEC_PER_SEC);
    return 0;
}

void execution_stop_loading(Execution *e)
{
    launcher_forget(e->engine->launcher, e);
    e->loading = false;
    execution_stop_timers(e);
}

static int on_stuck(sd_event_source *source, uint64_t usec, void *userdata)
{
    Execution *e = userdata;

    if (e->loading) {
        execution_stop_loading(e);
        execution_note_fault(e, fault_new(FAULT_STUCK, "see journalctl -k; a reboot frees it",
                                          "loading the module %s has hung for %" G_GUINT64_FORMAT " s",
                                          e->current->subject, e->engine->stuck_usec / G_USEC_PER_SEC));
        execution_end(e);
        return 0;
    }
    Late *late = g_new0(Late, 1);

    *late = (Late){e->engine, e->handler, e->userdata, g_strdup(e->current->subject)};
    g_hash_table_add(e->engine->stuck, g_strdup(late->subject));
    worker_abandon(e->worker, on_late, late);
    e->worker = NULL;

    g_autofree char *words = step_describe(e->current);
    /* A driver that hangs may wait for somebody who has the device open. */
    if (e->current->kind == STEP_RESET)
        execution_note_in_ledger(e, -ETIMEDOUT, NULL);
    execution_note_fault(
        e, fault_new(FAULT_STUCK,
                     "it is left alone; the rest of the host goes on. See journalctl -k; a reboot frees it",
                     "%s: the write to %s has hung in the kernel for %" G_GUINT64_FORMAT " s", words,
                     e->current->subject, e->engine->stuck_usec / G_USEC_PER_SEC));
    execution_end(e);
    return 0;
}

static void on_module(int error, const char *message, void *userdata)
{
    Execution *e = userdata;
    g_autofree char *live = NULL;

    e->loading = false;
    if (error == 0)
        error = step_look(&e->engine->step_place, e->current, &live);
    if (error == 0 && step_view(e->current, live) == STEP_VIEW_AFTER) {
        worker_pool_renew(e->engine->workers);
        execution_done(e);
        return;
    }
    execution_note_fault(e, fault_new(FAULT_FAILED,
                                      "is it part of this kernel? Try modprobe, and see journalctl -k",
                                      "cannot load the module %s: %s", e->current->subject,
                                      message
                                          ?: error ? g_strerror(-error)
                                                   : "it did not come up"));
    execution_end(e);
}

/* A step that kills each usher-bind comes to an end, and devices are not left for one that was killed. */
#define LOST_MAX 4

bool execution_try_again(Execution *e)
{
    if (++e->lost >= LOST_MAX)
        return false;
    execution_schedule(e);
    return true;
}

/* The worker had gone while it had nothing to do, and never got the step. */
static void on_refused(Execution *e, int error)
{
    execution_unmark_busy(e->engine, e->current->subject);
    if (e->worker)
        worker_release(e->worker);
    e->worker = NULL;
    execution_stop_timers(e);
    if (error != -ENOTCONN || e->current->kind == STEP_MODULE)
        execution_failed(e, error, NULL);
    else if (!execution_try_again(e))
        execution_lost(e);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Execution *e = userdata;

    e->request = NULL;
    e->worker = worker;
    if (worker) {
        execution_schedule(e);
        return;
    }
    if (e->backward && execution_try_again(e))
        return;
    execution_note_fault(e, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                      "cannot start usher-bind: %s", message));
    execution_end(e);
}

bool execution_has_worker(Execution *e)
{
    if (e->worker || e->current->kind == STEP_MODULE || step_kind_systemd(e->current->kind))
        return true;
    int r = e->request ? 0 : worker_request(e->engine->workers, on_worker, e, &e->request);
    if (r < 0)
        execution_failed(e, r, NULL);
    return false;
}

void execution_take_step(Execution *e)
{
    int r;

    clock_after(e->engine->event, e->engine->slow_usec, on_slow, e, &e->late.slow);
    /* What systemd does has a time of its own. */
    if (!step_kind_systemd(e->current->kind))
        clock_after(e->engine->event, e->engine->stuck_usec, on_stuck, e, &e->late.stuck);
    if (e->current->kind == STEP_MODULE) {
        r = launcher_load_module(e->engine->launcher, e->current->subject, on_module, e);
        e->loading = r >= 0;
    } else if (e->current->kind == STEP_UNIT) {
        e->by_systemd.unit =
            unit_step_new(e->engine->event, e->engine->launcher, e->current, execution_answer, e);
        r = 0;
    } else if (e->current->kind == STEP_KEPT_OFF || e->current->kind == STEP_CPUSETS) {
        e->by_systemd.slice = slice_step_new(e->engine->event, e->engine->launcher, &e->engine->step_place,
                                             e->engine->slice_steps, e->current, execution_answer, e);
        r = 0;
    } else {
        _cleanup_close_ int mark_fd = mark_busy(e);
        r = worker_step_marked(e->worker, e->current, mark_fd, execution_answer, e);
    }
    if (r < 0)
        on_refused(e, r);
}
