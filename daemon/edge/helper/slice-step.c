/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slice-step.h"

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/host/cpu-list.h"
#include "../host-services/clock.h"
#include "../scan/host-cpus.h"

#define SLICE_USEC (30 * G_USEC_PER_SEC)

struct SliceStep {
    sd_event *event;
    Launcher *launcher;
    StepPlace place;
    GQueue *turns;
    Step *step;
    WorkerAnswered answered;
    void *userdata;
    bool unlimited; /* nothing is to be left of a limit */
    bool acted;
    int error; /* of the act */
    sd_event_source *turn;
    sd_event_source *deadline;
};

static void answer(SliceStep *s, WorkerVerdict verdict, int error, const char *live)
{
    WorkerAnswer a = {.verdict = verdict, .error = error, .live = live};

    s->deadline = sd_event_source_disable_unref(s->deadline);
    s->turn = sd_event_source_disable_unref(s->turn);
    s->answered(&a, s->userdata);
}

static void on_seen(int error, const char *allowed, const char *effective, void *userdata);

static void on_set(int error, const char *message, void *userdata)
{
    SliceStep *s = userdata;
    bool unset = error == 0 && s->unlimited;
    int r;

    if (message)
        log_warning("%s", message);
    s->unlimited = false;
    s->acted = true;
    s->error = error;
    if (unset) {
        g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(unsigned));
        r = launcher_slice_set(s->launcher, s->step->subject, none, on_set, s);
    } else {
        r = launcher_slice_look(s->launcher, s->step->subject, on_seen, s);
    }
    if (r < 0)
        answer(s, WORKER_FAILED, r, NULL);
}

/* systemd remembers what it was told; whether the kernel obeys shows in the CPUs in effect. */
static bool in_effect(const SliceStep *s, const char *effective)
{
    g_autoptr(GArray) before = cpu_set_parse(s->step->before), after = cpu_set_parse(s->step->after),
                      runs_on = cpu_set_parse(effective);

    if (s->step->kind == STEP_CPUSETS)
        return true;
    if (!before || !after || !runs_on)
        return false;
    g_autoptr(GArray) taken = cpu_set_minus(after, before), still = cpu_set_common(runs_on, taken);
    return taken->len == 0 || (runs_on->len > 0 && still->len == 0);
}

/* When a limit is lifted, systemd leaves the old one in the kernel, unless nobody needs the controller any
 * more: so first all host CPUs are allowed, and then the limit is lifted. */
static int act(SliceStep *s, const char *live)
{
    g_autofree char *then = s->step->kind == STEP_CPUSETS ? g_strdup("") : step_kept_off(s->step, live);
    g_autoptr(GArray) allowed = NULL;

    int r = host_cpus_allowed(s->place.sys_fd, then, &allowed);
    /* An empty list would mean no limit, which is the opposite. */
    if (r >= 0 && allowed->len == 0)
        r = -EINVAL;
    s->unlimited = s->step->kind == STEP_KEPT_OFF && *then == '\0';
    return r < 0 ? r : launcher_slice_set(s->launcher, s->step->subject, allowed, on_set, s);
}

/* Whether a daemon that died between the two calls left a limit. */
static bool limit_left(const SliceStep *s, const char *allowed, const char *live)
{
    return s->step->kind == STEP_KEPT_OFF && !s->acted && s->step->after[0] == '\0' && *live == '\0' &&
           *allowed;
}

static int read_live(const SliceStep *s, const char *allowed, char **ret)
{
    g_autoptr(GArray) kept_off = NULL;

    if (s->step->kind == STEP_CPUSETS) {
        *ret = g_strdup(*allowed ? "live" : "absent");
        return 0;
    }
    int r = host_cpus_kept_off(s->place.sys_fd, allowed, &kept_off);
    if (r >= 0)
        *ret = cpu_set_to_text(kept_off);
    return r;
}

static void on_seen(int error, const char *allowed, const char *effective, void *userdata)
{
    SliceStep *s = userdata;
    g_autofree char *live = NULL;

    int r = error < 0 ? error : read_live(s, allowed, &live);
    if (r < 0) {
        answer(s, WORKER_FAILED, r, NULL);
        return;
    }
    StepView view = step_view(s->step, live);
    if (view == STEP_VIEW_AFTER && in_effect(s, effective) && !limit_left(s, allowed, live))
        answer(s, WORKER_DONE, 0, live);
    else if (s->acted)
        answer(s, WORKER_FAILED, s->error < 0 ? s->error : -EIO, live);
    else if (view == STEP_VIEW_DRIFT)
        answer(s, WORKER_DRIFT, 0, live);
    else if ((r = act(s, live)) < 0)
        answer(s, WORKER_FAILED, r, live);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    SliceStep *s = userdata;

    s->turn = sd_event_source_disable_unref(s->turn);
    int r = launcher_slice_look(s->launcher, s->step->subject, on_seen, s);
    if (r < 0)
        answer(s, WORKER_FAILED, r, NULL);
    return 0;
}

static void begin_first(GQueue *turns)
{
    SliceStep *s = g_queue_peek_head(turns);

    if (s && sd_event_add_defer(s->event, &s->turn, on_turn, s) < 0)
        g_error("out of memory");
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    SliceStep *s = userdata;

    launcher_forget(s->launcher, s);
    answer(s, WORKER_FAILED, -ETIME, s->step->before);
    return 0;
}

SliceStep *slice_step_new(sd_event *event, Launcher *launcher, const StepPlace *place, GQueue *turns,
                          const Step *step, WorkerAnswered answered, void *userdata)
{
    SliceStep *s = g_new(SliceStep, 1);

    *s = (SliceStep){.event = event,
                     .launcher = launcher,
                     .place = *place,
                     .turns = turns,
                     .step = step_copy(step),
                     .answered = answered,
                     .userdata = userdata};
    if (clock_after(event, SLICE_USEC, on_late, s, &s->deadline) < 0)
        g_error("out of memory");
    g_queue_push_tail(turns, s);
    if (turns->length == 1)
        begin_first(turns);
    return s;
}

DEFINE_FREE(SliceStep, slice_step_free, s)
{
    bool first = g_queue_peek_head(s->turns) == s;
    g_queue_remove(s->turns, s);
    if (first)
        begin_first(s->turns);
    launcher_forget(s->launcher, s);
    sd_event_source_disable_unref(s->turn);
    sd_event_source_disable_unref(s->deadline);
    step_free(s->step);
}
