/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ladder.h"

#include <glib.h>
#include <signal.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"

#define LOOK_USEC (G_USEC_PER_SEC / 4)
/* The time from when a kernel has set up its power button until somebody in the guest listens to the button
 * (logind opens its event device later in the boot). */
#define LISTEN_USEC (10 * G_USEC_PER_SEC)

struct Ladder {
    sd_event *event;
    const char *guest;
    QemuLink *link;
    const LadderHandler *handler;
    void *userdata;
    StopRung rung, least;
    bool awake;
    sd_event_source *deadline; /* of the rung */
    uint64_t press_by;    /* monotonic: when the power button is pressed, whether the guest hears it or not */
    bool button_was_deaf; /* when the guest was looked at last */
    sd_event_source *button_look; /* does the guest hear the button by now? */
};

Ladder *ladder_new(sd_event *event, const char *guest, QemuLink *link, const LadderHandler *handler,
                   void *userdata)
{
    Ladder *l = g_new0(Ladder, 1);

    *l = (Ladder){.event = event, .guest = guest, .link = link, .handler = handler, .userdata = userdata};
    return l;
}

Ladder *ladder_free(Ladder *l)
{
    if (l)
        ladder_leave(l);
    g_free(l);
    return NULL;
}

StopRung ladder_rung(const Ladder *l)
{
    return l->rung;
}

void ladder_ask(Ladder *l, StopRung rung)
{
    l->least = MAX(l->least, rung);
}

void ladder_leave(Ladder *l)
{
    l->deadline = sd_event_source_disable_unref(l->deadline);
    l->button_look = sd_event_source_disable_unref(l->button_look);
    l->rung = STOP_RUNG_NONE;
}

/* NULL: QEMU accepts no commands. */
static Qmp *qmp_of(const Ladder *l)
{
    return qemu_link_hears(l->link) ? qemu_link_qmp(l->link) : NULL;
}

static StopView look(const Ladder *l)
{
    StopView view = {.awake = l->awake, .qemu_answers = qmp_of(l) != NULL};

    l->handler->look(&view, l->userdata);
    return view;
}

static int on_rung_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    Ladder *l = userdata;

    /* Only the kernel can still hold the process; the devices come back when the kernel lets go of them. */
    if (l->rung == STOP_RUNG_KILL)
        log_guest(LOG_ERR, l->guest,
                  "QEMU survives SIGKILL, because it hangs in the kernel; see journalctl -k");
    else
        ladder_take(l, l->rung + 1);
    return 0;
}

/* A QEMU that does not answer gets neither the power button nor quit. True: this was such a rung. */
static bool fell_silent(Ladder *l, int error)
{
    if (error != -ETIMEDOUT || l->rung == STOP_RUNG_NONE || l->rung > STOP_RUNG_QUIT)
        return false;
    qemu_link_go_silent(l->link);
    ladder_take(l, STOP_RUNG_TERMINATE);
    return true;
}

static void on_pressed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    fell_silent(userdata, error);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata);

/* A press is lost if the system has not set up its button, as when it boots or comes back from sleep. So the
 * button is pressed a moment after the system has set it up. If nobody can tell when that is, the button is
 * pressed at once, or after half of the time. */
static void on_button(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Ladder *l = userdata;
    const char *words = json_object_is_type(result, json_type_string) ? json_object_get_string(result) : "";

    if (fell_silent(l, error) || error == -ECONNRESET || l->rung != STOP_RUNG_POWER_BUTTON)
        return;
    bool deaf = error == 0 && run_button_is_deaf(words);
    if ((deaf || l->button_was_deaf) && (uint64_t)g_get_monotonic_time() < l->press_by) {
        uint64_t usec = deaf ? LOOK_USEC : MIN(LISTEN_USEC, look(l).usec[l->rung] / 8);
        l->button_was_deaf = deaf;
        clock_after(l->event, usec, on_look, l, &l->button_look);
        return;
    }
    l->awake = true;
    qmp_command(qmp, "system_powerdown", NULL, QMP_ANSWER_USEC, on_pressed, l);
}

static void look_at_button(Ladder *l, Qmp *qmp)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "command-line", json_object_new_string(RUN_BUTTON_QUESTION));
    qmp_command(qmp, "human-monitor-command", arguments, QMP_ANSWER_USEC, on_button, l);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
    Ladder *l = userdata;
    Qmp *qmp = qmp_of(l);

    if (l->rung == STOP_RUNG_POWER_BUTTON && qmp)
        look_at_button(l, qmp);
    return 0;
}

void ladder_sync(Ladder *l)
{
    StopView view = look(l);
    StopRung next = stop_ladder_on(l->rung, &view);

    if (next == l->rung)
        return;
    if (next == STOP_RUNG_QUIT)
        log_guest(LOG_NOTICE, l->guest, "the guest cannot notice a request to shut down: %s",
                  view.panicked    ? "panicked"
                  : *view.run.word ? view.run.word
                                   : "paused");
    l->awake |= l->rung == STOP_RUNG_WAKE;
    ladder_take(l, next);
}

void ladder_agent_failed(Ladder *l)
{
    if (l->rung == STOP_RUNG_AGENT)
        ladder_take(l, STOP_RUNG_POWER_BUTTON);
}

/* QEMU's answer after `cont`, if that was sent, is the guest's run state. */
static void on_reached(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Ladder *l = userdata;
    struct json_object *status = NULL;
    StopRung rung = l->rung;

    if (fell_silent(l, error) || error < 0 || !stop_rung_asks_guest(rung))
        return;
    json_object_object_get_ex(result, "status", &status);
    l->handler->status(json_object_get_string(status), l->userdata);
    if (l->rung != rung)
        return;
    if (rung == STOP_RUNG_POWER_BUTTON)
        look_at_button(l, qmp);
    else if (!l->handler->ask_agent(l->userdata))
        ladder_agent_failed(l);
}

/* Has the guest's vCPUs run, as far as possible, and goes on when it is known whether they do. */
static bool reach(Ladder *l, Qmp *qmp, const StopView *view)
{
    if (run_state_may_go_on(view->run))
        qmp_command(qmp, "cont", NULL, 0, NULL, NULL);
    return qmp_command(qmp, "query-status", NULL, QMP_ANSWER_USEC, on_reached, l) >= 0;
}

/* For a guest that QEMU cannot wake, or that is awake by now. */
static void on_woken(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Ladder *l = userdata;

    if (fell_silent(l, error) || error == 0 || l->rung != STOP_RUNG_WAKE)
        return;
    log_guest(LOG_WARNING, l->guest, "the guest cannot be woken: %s", message ?: g_strerror(-error));
    l->awake = true;
    ladder_take(l, STOP_RUNG_AGENT);
}

/* False if the rung has no effect. */
static bool act(Ladder *l, StopRung rung, const StopView *view)
{
    Qmp *qmp = qmp_of(l);

    switch (rung) {
    case STOP_RUNG_WAKE:
        return qmp_command(qmp, "system_wakeup", NULL, QMP_ANSWER_USEC, on_woken, l) >= 0;
    case STOP_RUNG_AGENT:
        return reach(l, qmp, view);
    case STOP_RUNG_POWER_BUTTON:
        l->press_by = g_get_monotonic_time() + view->usec[rung] / 2;
        l->button_was_deaf = false;
        return reach(l, qmp, view);
    case STOP_RUNG_QUIT:
        return qmp_command(qmp, "quit", NULL, 0, NULL, NULL) >= 0;
    case STOP_RUNG_TERMINATE:
        return l->handler->signal(SIGTERM, l->userdata) >= 0;
    default:
        return l->handler->signal(SIGKILL, l->userdata) >= 0;
    }
}

void ladder_take(Ladder *l, StopRung rung)
{
    StopView view = look(l);

    l->button_look = sd_event_source_disable_unref(l->button_look);
    rung = stop_ladder_from(MAX(rung, l->least), &view);
    while (!act(l, rung, &view) && rung < STOP_RUNG_KILL)
        rung = stop_ladder_from(rung + 1, &view);
    l->rung = rung;
    clock_after(l->event, stop_ladder_patience(rung, &view), on_rung_over, l, &l->deadline);
    l->handler->taken(l->userdata);
}
