/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/helper/slice-step.h"
#include "../../edge/helper/unit-step.h"
#include "../../edge/host-services/clock.h"
#include "../../edge/store/step-mark.h"
#include "taker.h"

struct Taker {
    Engine *engine;
    const TakerHandler *handler;
    void *userdata;
    TakerUnstuck unstuck;
    void *late_userdata;

    WorkerRequest *request;
    Worker *worker;   /* kept between steps */
    const Step *step; /* under way; NULL: none */
    bool loading;     /* the step loads a module; timed like a worker's */
    UnitStep *unit;   /* systemd takes the step, or */
    SliceStep *slice;
    sd_event_source *slow, *stuck; /* what is waited for */
};

/* Waits for the answer of a worker that was given up; outlives the taker. */
typedef struct Late {
    Engine *engine;
    TakerUnstuck unstuck;
    void *userdata;
    char *subject;
} Late;

/* While a step is under way, nobody reads what the kernel guards by the device's lock, even after a restart.
 * Returns the descriptor that marks this, or -1 if the subject is no device. */
static int mark_busy(Engine *engine, const Step *step)
{
    PciAddress address;

    if (step->kind != STEP_MEDIATED && pci_address_from_string(step->subject, &address) < 0)
        return -1;
    g_hash_table_add(engine->busy, g_strdup(step->subject));
    int fd = step_mark_take(engine->steps_fd, step->subject);
    if (fd < 0)
        log_device(LOG_WARNING, step->subject, "cannot note that a step is being taken: %s", strerror(-fd));
    return fd;
}

static void unmark_busy(Engine *engine, const char *subject)
{
    if (g_hash_table_remove(engine->busy, subject))
        step_mark_remove(engine->steps_fd, subject);
}

static void stop_timers(Taker *t)
{
    t->slow = sd_event_source_disable_unref(t->slow);
    t->stuck = sd_event_source_disable_unref(t->stuck);
}

/* The step is over. The words of the answer may belong to systemd's step, so that is freed last. */
static void answer(Taker *t, const WorkerAnswer *answer)
{
    UnitStep *unit = g_steal_pointer(&t->unit);
    SliceStep *slice = g_steal_pointer(&t->slice);

    stop_timers(t);
    t->step = NULL;
    t->loading = false;
    t->handler->answered(answer, t->userdata);
    unit_step_free(unit);
    slice_step_free(slice);
}

static void on_answer(const WorkerAnswer *given, void *userdata)
{
    Taker *t = userdata;

    unmark_busy(t->engine, t->step->subject);
    if (given->verdict == WORKER_LOST)
        t->worker = NULL;
    answer(t, given);
}

static void on_late(const WorkerAnswer *given, void *userdata)
{
    Late *late = userdata;

    g_hash_table_remove(late->engine->stuck, late->subject);
    unmark_busy(late->engine, late->subject);
    log_device(LOG_NOTICE, late->subject, "the kernel came back from a write that had been given up");
    if (late->unstuck)
        late->unstuck(late->subject, late->userdata);
    g_free(late->subject);
    g_free(late);
}

static int on_slow(sd_event_source *source, uint64_t usec, void *userdata)
{
    Taker *t = userdata;
    g_autofree char *words = step_describe(t->step);

    log_device(LOG_WARNING, t->step->subject, "slow: %s has taken %" G_GUINT64_FORMAT " s so far", words,
               t->engine->limits.slow_usec / G_USEC_PER_SEC);
    return 0;
}

void taker_stop_loading(Taker *t)
{
    if (!t->loading)
        return;
    launcher_forget(t->engine->launcher, t);
    t->loading = false;
    t->step = NULL;
    stop_timers(t);
}

static void abandon(Taker *t)
{
    Late *late = g_new(Late, 1);

    *late = (Late){t->engine, t->unstuck, t->late_userdata, g_strdup(t->step->subject)};
    g_hash_table_add(t->engine->stuck, g_strdup(late->subject));
    worker_abandon(t->worker, on_late, late);
    t->worker = NULL;
}

static int on_stuck(sd_event_source *source, uint64_t usec, void *userdata)
{
    Taker *t = userdata;

    if (t->loading)
        taker_stop_loading(t);
    else
        abandon(t);
    answer(t, &(WorkerAnswer){.verdict = WORKER_STUCK});
    return 0;
}

static void on_module(int error, const char *message, void *userdata)
{
    Taker *t = userdata;
    g_autofree char *live = NULL;

    if (error == 0)
        error = step_look(&t->engine->step_place, t->step, &live);
    bool up = error == 0 && step_view(t->step, live) == STEP_VIEW_AFTER;
    if (up)
        worker_pool_renew(t->engine->workers);
    answer(t, &(WorkerAnswer){.verdict = up ? WORKER_DONE : WORKER_FAILED,
                              .error = error
                                           ?: up ? 0
                                                 : -EIO,
                              .live = live,
                              .message = message});
}

/* If the worker went away while it was idle, the step never reached it. */
static void on_refused(Taker *t, int error)
{
    WorkerVerdict verdict = error == -ENOTCONN && t->step->kind != STEP_MODULE ? WORKER_GONE : WORKER_REFUSED;

    unmark_busy(t->engine, t->step->subject);
    if (t->worker)
        worker_release(t->worker);
    t->worker = NULL;
    answer(t, &(WorkerAnswer){.verdict = verdict, .error = error});
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Taker *t = userdata;

    t->request = NULL;
    t->worker = worker;
    if (worker)
        t->handler->ready(t->userdata);
    else
        answer(t, &(WorkerAnswer){.verdict = WORKER_NONE, .message = message});
}

bool taker_ready(Taker *t, const Step *step)
{
    if (t->worker || step->kind == STEP_MODULE || step_kind_systemd(step->kind))
        return true;
    int r = t->request ? 0 : worker_request(t->engine->workers, on_worker, t, &t->request);
    if (r < 0)
        answer(t, &(WorkerAnswer){.verdict = WORKER_REFUSED, .error = r});
    return false;
}

static int begin(Taker *t)
{
    Engine *engine = t->engine;

    switch (t->step->kind) {
    case STEP_MODULE:
        t->loading = true;
        return launcher_load_module(engine->launcher, t->step->subject, on_module, t);
    case STEP_UNIT:
        t->unit = unit_step_new(engine->event, engine->launcher, t->step, on_answer, t);
        return 0;
    case STEP_KEPT_OFF:
    case STEP_CPUSETS:
        t->slice = slice_step_new(engine->event, engine->launcher, &engine->step_place, engine->slice_steps,
                                  t->step, on_answer, t);
        return 0;
    default:
        break;
    }
    _cleanup_close_ int mark_fd = mark_busy(engine, t->step);
    return worker_step(t->worker, t->step, mark_fd, on_answer, t);
}

void taker_take(Taker *t, const Step *step)
{
    t->step = step;
    clock_after(t->engine->event, t->engine->limits.slow_usec, on_slow, t, &t->slow);
    /* A step that systemd takes has its own deadline. */
    if (!step_kind_systemd(step->kind))
        clock_after(t->engine->event, t->engine->limits.stuck_usec, on_stuck, t, &t->stuck);
    int r = begin(t);
    if (r < 0)
        on_refused(t, r);
}

bool taker_at_work(const Taker *t)
{
    return t->step;
}

Taker *taker_new(Engine *engine, const TakerHandler *handler, void *userdata)
{
    Taker *t = g_new(Taker, 1);

    *t = (Taker){.engine = engine, .handler = handler, .userdata = userdata};
    return t;
}

void taker_set_unstuck(Taker *t, TakerUnstuck unstuck, void *late_userdata)
{
    t->unstuck = unstuck;
    t->late_userdata = late_userdata;
}

void taker_let_go(Taker *t)
{
    if (t->request)
        worker_request_cancel(t->request);
    t->request = NULL;
    if (t->worker && t->step)
        worker_abandon(t->worker, NULL, NULL);
    else if (t->worker)
        worker_release(t->worker);
    t->worker = NULL;
    launcher_forget(t->engine->launcher, t);
    stop_timers(t);
    t->unit = unit_step_free(t->unit);
    t->slice = slice_step_free(t->slice);
    t->step = NULL;
}

Taker *taker_free(Taker *t)
{
    if (t)
        taker_let_go(t);
    g_free(t);
    return NULL;
}
