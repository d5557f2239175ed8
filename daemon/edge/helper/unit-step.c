/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-step.h"

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../host-services/clock.h"

/* A unit has 90 s to stop by default (TimeoutStopSec=, systemd.service(5)), and is killed then. */
#define UNIT_USEC (120 * G_USEC_PER_SEC)

struct UnitStep {
    Launcher *launcher;
    Step *step;
    WorkerAnswered answered;
    void *userdata;
    bool acted;
    int error; /* of the act */
    sd_event_source *deadline;
};

const char *unit_step_live(const LauncherUnit *unit)
{
    if (!unit->loaded)
        return NULL;
    /* A service that failed when it was told to end has ended; one that reloads is running. */
    if (g_str_equal(unit->state, "failed"))
        return "inactive";
    return g_str_equal(unit->state, "reloading") ? "active" : unit->state;
}

static void answer(UnitStep *u, WorkerVerdict verdict, int error, const char *live)
{
    WorkerAnswer a = {.verdict = verdict, .error = error, .live = live};

    u->deadline = sd_event_source_disable_unref(u->deadline);
    u->answered(&a, u->userdata);
}

static void on_seen(int error, const LauncherUnit *unit, void *userdata);

static void on_set(int error, const char *message, void *userdata)
{
    UnitStep *u = userdata;

    if (message)
        log_warning("%s", message);
    u->acted = true;
    u->error = error;
    int r = launcher_unit_look(u->launcher, u->step->subject, on_seen, u);
    if (r < 0)
        answer(u, WORKER_FAILED, r, NULL);
}

static void on_seen(int error, const LauncherUnit *unit, void *userdata)
{
    UnitStep *u = userdata;
    const char *live = error < 0 ? NULL : unit_step_live(unit);
    StepView view = step_view(u->step, live);

    if (error < 0) {
        answer(u, WORKER_FAILED, error, NULL);
        return;
    }
    /* With a job it will not stay so: usherd may have gone after it asked for one, and undoes that now. */
    if (view == STEP_VIEW_AFTER && (u->acted || !unit->job)) {
        answer(u, WORKER_DONE, 0, live);
        return;
    }
    if (u->acted) {
        answer(u, WORKER_FAILED, u->error < 0 ? u->error : -EIO, live);
        return;
    }
    if (view == STEP_VIEW_DRIFT) {
        answer(u, WORKER_DRIFT, 0, live);
        return;
    }
    int r =
        launcher_unit_set(u->launcher, u->step->subject, g_str_equal(u->step->after, "active"), on_set, u);
    if (r < 0)
        answer(u, WORKER_FAILED, r, live);
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    UnitStep *u = userdata;

    launcher_forget(u->launcher, u);
    answer(u, WORKER_FAILED, -ETIME, u->step->before);
    return 0;
}

static int on_impossible(sd_event_source *source, uint64_t usec, void *userdata)
{
    answer(userdata, WORKER_FAILED, -ENOTSUP, NULL);
    return 0;
}

UnitStep *unit_step_new(sd_event *event, Launcher *launcher, const Step *step, WorkerAnswered answered,
                        void *userdata)
{
    UnitStep *u = g_new0(UnitStep, 1);

    *u =
        (UnitStep){.launcher = launcher, .step = step_copy(step), .answered = answered, .userdata = userdata};
    bool possible = launcher_unit_look(launcher, step->subject, on_seen, u) >= 0;
    if (clock_after(event, possible ? UNIT_USEC : 0, possible ? on_late : on_impossible, u, &u->deadline) < 0)
        g_error("out of memory");
    return u;
}

DEFINE_FREE(UnitStep, unit_step_free, u)
{
    launcher_forget(u->launcher, u);
    sd_event_source_disable_unref(u->deadline);
    step_free(u->step);
}
