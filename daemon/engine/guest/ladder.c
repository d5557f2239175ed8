/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stop ladder: what sleeps is woken, then the agent inside, power button once, quit, SIGTERM, SIGKILL. No
 * rung repeats the one before, as asking twice the same way helps nobody; and none is waited for that nobody
 * can hear. */
#include <signal.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

/* Where the definition is gone with its file. */
#define POWER_BUTTON_USEC (60 * G_USEC_PER_SEC)
#define QUIT_USEC (5 * G_USEC_PER_SEC)
#define TERMINATE_USEC (5 * G_USEC_PER_SEC)
#define KILL_USEC (10 * G_USEC_PER_SEC)
/* QEMU tells at once that it has woken it. */
#define WAKE_USEC (5 * G_USEC_PER_SEC)
/* A system that has let its watchdog run out may only have been slow; it is not given more than this. */
#define HANGS_USEC (10 * G_USEC_PER_SEC)
#define LOOK_USEC (G_USEC_PER_SEC / 4)
/* From when a kernel has set up its button until somebody in the guest listens to that (logind opens its
 * event device later in the boot). */
#define LISTEN_USEC (10 * G_USEC_PER_SEC)

static uint64_t rung_usec(const Guest *g, GuestRung rung)
{
    switch (rung) {
    case GUEST_RUNG_WAKE:
        return g->run->run_state.kind == RUN_SLEEPS ? WAKE_USEC : 0;
    case GUEST_RUNG_AGENT:
        return g->run->definition && g->run->definition->agent ? g->run->definition->stop.agent_usec : 0;
    case GUEST_RUNG_POWER_BUTTON:
        return g->run->definition ? g->run->definition->stop.power_button_usec : POWER_BUTTON_USEC;
    case GUEST_RUNG_QUIT:
        return g->run->definition ? g->run->definition->stop.quit_usec : QUIT_USEC;
    case GUEST_RUNG_TERMINATE:
        return g->run->definition ? g->run->definition->stop.terminate_usec : TERMINATE_USEC;
    default:
        return KILL_USEC;
    }
}

uint64_t guest_stop_usec(const Guest *g)
{
    uint64_t sum = 0;

    for (GuestRung rung = GUEST_RUNG_WAKE; rung < GUEST_RUNG_KILL; rung++)
        sum += rung_usec(g, rung);
    return sum;
}

static int on_rung_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    if (g->run->rung < GUEST_RUNG_KILL) {
        guest_take_rung(g, g->run->rung + 1);
        return 0;
    }
    /* Only the kernel can hold it now; the devices come back when it lets go. */
    log_guest(LOG_ERR, g->name,
              "QEMU (pid %d) does not die of SIGKILL: it hangs in the kernel, see journalctl -k",
              g->run->pid);
    return 0;
}

/* The power button does not reach a QEMU that does not answer, and neither does quit. True: that was so. */
static bool fell_silent(Guest *g, int error)
{
    if (error != -ETIMEDOUT || g->state != GUEST_STOPPING || g->run->rung > GUEST_RUNG_QUIT)
        return false;
    guest_go_silent(g);
    guest_take_rung(g, GUEST_RUNG_TERMINATE);
    return true;
}

static void on_pressed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    fell_silent(userdata, error);
}

static bool listens(const Guest *g)
{
    return !g->run->silent && g->run->qmp && qmp_ready(g->run->qmp);
}

static bool asks_the_guest(const Guest *g)
{
    return g->state == GUEST_STOPPING &&
           (g->run->rung == GUEST_RUNG_AGENT || g->run->rung == GUEST_RUNG_POWER_BUTTON);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata);

/* A press is lost while the system has not set up its button, as when it boots or comes back from sleep: then
 * it is pressed once it has, and has had a moment to listen. Where that cannot be told, it is pressed at
 * once, or after half of the time. */
static void on_button(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    const char *words = json_object_is_type(result, json_type_string) ? json_object_get_string(result) : "";

    if (fell_silent(g, error) || error == -ECONNRESET || !asks_the_guest(g) ||
        g->run->rung != GUEST_RUNG_POWER_BUTTON)
        return;
    bool deaf = error == 0 && run_button_is_deaf(words);
    if ((deaf || g->run->button_was_deaf) && (uint64_t)g_get_monotonic_time() < g->run->press_by) {
        uint64_t usec = deaf ? LOOK_USEC : MIN(LISTEN_USEC, rung_usec(g, g->run->rung) / 8);
        g->run->button_was_deaf = deaf;
        clock_after(g->engine->event, usec, on_look, g, &g->run->button_look);
        return;
    }
    g->run->awake = true;
    qmp_command(g->run->qmp, "system_powerdown", NULL, QMP_ANSWER_USEC, on_pressed, g);
}

static void look_at_button(Guest *g)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "command-line", json_object_new_string(RUN_BUTTON_QUESTION));
    qmp_command(g->run->qmp, "human-monitor-command", arguments, QMP_ANSWER_USEC, on_button, g);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    if (g->run->rung == GUEST_RUNG_POWER_BUTTON && listens(g))
        look_at_button(g);
    return 0;
}

void guest_mind_ladder(Guest *g)
{
    if (g->state == GUEST_STOPPING && g->run->rung == GUEST_RUNG_WAKE && g->run->run_state.kind == RUN_GOES) {
        g->run->awake = true;
        guest_take_rung(g, GUEST_RUNG_AGENT);
    } else if (asks_the_guest(g) && g->run->run_state.kind == RUN_SLEEPS && !g->run->awake) {
        guest_take_rung(g, GUEST_RUNG_WAKE);
    } else if (asks_the_guest(g) && (g->run->panicked || !run_state_hears(g->run->run_state))) {
        log_guest(LOG_NOTICE, g->name, "it cannot hear that it is to shut down: %s",
                  g->run->panicked          ? "panicked"
                  : *g->run->run_state.word ? g->run->run_state.word
                                            : "paused");
        guest_take_rung(g, GUEST_RUNG_QUIT);
    }
}

/* What it says after `cont`, if that was sent, is how it is. */
static void on_reached(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *status = NULL;
    GuestRung rung = g->run->rung;

    if (fell_silent(g, error) || error < 0 || !asks_the_guest(g))
        return;
    json_object_object_get_ex(result, "status", &status);
    guest_take_run_state(g, json_object_get_string(status));
    if (!asks_the_guest(g) || g->run->rung != rung)
        return;
    if (rung == GUEST_RUNG_POWER_BUTTON)
        look_at_button(g);
    else if (!inner_agent_shut_down(g->run->agent))
        guest_take_rung(g, GUEST_RUNG_POWER_BUTTON);
}

/* Has the guest's processors run, as far as they may, and goes on when it is known whether they do. */
static bool reach(Guest *g)
{
    if (!listens(g))
        return false;
    if (run_state_may_go_on(g->run->run_state))
        qmp_command(g->run->qmp, "cont", NULL, 0, NULL, NULL);
    return qmp_command(g->run->qmp, "query-status", NULL, QMP_ANSWER_USEC, on_reached, g) >= 0;
}

/* Of one that QEMU cannot wake, or that is awake by now. */
static void on_woken(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (fell_silent(g, error) || error == 0 || g->state != GUEST_STOPPING || g->run->rung != GUEST_RUNG_WAKE)
        return;
    log_guest(LOG_WARNING, g->name, "it cannot be woken: %s", message ?: g_strerror(-error));
    g->run->awake = true;
    guest_take_rung(g, GUEST_RUNG_AGENT);
}

/* False if the rung cannot be taken as things are. */
static bool act(Guest *g, GuestRung rung)
{
    switch (rung) {
    case GUEST_RUNG_WAKE:
        return listens(g) &&
               qmp_command(g->run->qmp, "system_wakeup", NULL, QMP_ANSWER_USEC, on_woken, g) >= 0;
    case GUEST_RUNG_AGENT:
        return inner_agent_is_open(g->run->agent) && reach(g);
    case GUEST_RUNG_POWER_BUTTON:
        g->run->press_by = g_get_monotonic_time() + rung_usec(g, rung) / 2;
        g->run->button_was_deaf = false;
        return reach(g);
    case GUEST_RUNG_QUIT:
        return listens(g) && qmp_command(g->run->qmp, "quit", NULL, 0, NULL, NULL) >= 0;
    case GUEST_RUNG_TERMINATE:
        return launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGTERM) >= 0;
    default:
        return launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGKILL) >= 0;
    }
}

/* How long an answer by deed is waited for. */
static uint64_t patience(const Guest *g, GuestRung rung)
{
    uint64_t usec = rung_usec(g, rung);

    return g->run->run_state.kind == RUN_HANGS && rung < GUEST_RUNG_QUIT ? MIN(usec, HANGS_USEC) : usec;
}

void guest_take_rung(Guest *g, GuestRung rung)
{
    g->run->button_look = sd_event_source_disable_unref(g->run->button_look);
    while (rung < GUEST_RUNG_KILL && (rung_usec(g, rung) == 0 || !act(g, rung)))
        rung++;
    if (rung == GUEST_RUNG_KILL)
        act(g, rung);

    g->run->rung = rung;
    guest_set_state(g, GUEST_EVENT_STOP);
    guest_set_deadline(g, patience(g, rung), on_rung_over);
    log_guest(LOG_INFO, g->name, "stopping: %s", guest_sub_state(g));
    guest_announce(g);
}

static int refuse_at_rest(const Guest *g, Fault **ret_fault)
{
    if (!guest_at_rest(g))
        return 0;
    return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is not running", g->name);
}

/* QEMU is not there yet: nothing to climb down from. */
static void call_off(Guest *g)
{
    _cleanup_fault_ Fault *fault =
        fault_new(FAULT_FAILED, NULL, "guest %s was stopped before it ran", g->name);

    g->run->stop_asked = true;
    guest_set_state(g, GUEST_EVENT_STOP);
    if (g->run->launch) {
        channel_send(g->run->launch, (const char *const[]){"refused", fault->message, "", NULL}, NULL, 0);
        g->run->launch = channel_free(g->run->launch);
    } else {
        /* It may be about to connect, and would be taken for a start of its own. */
        launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGKILL);
    }
    if (g->run->execution)
        execution_stop(g->run->execution, NULL);
    else
        guest_ended(g);
}

static int stop_from(Guest *g, Job *job, GuestRung rung, bool by_unit, Fault **ret_fault)
{
    int r = refuse_at_rest(g, ret_fault);
    if (r != 0)
        return r;

    /* A second request joins the first. */
    if (job)
        g_ptr_array_add(g->end_jobs, job);
    if (g->state == GUEST_RESTORING)
        return 0;
    g->run->stop_asked = true;
    if (g->run->recovering && g->run->watched && rung == GUEST_RUNG_KILL)
        guest_adopt_unheard(g); /* which needs no word of QEMU */
    if (g->run->recovering)
        g->run->rung = MAX(g->run->rung, rung); /* taken as soon as it is found */
    else if (g->state == GUEST_PREPARING || (g->state == GUEST_STOPPING && !g->run->watched))
        call_off(g);
    else if (g->state != GUEST_STOPPING || rung > g->run->rung)
        guest_take_rung(g, rung);
    /* The unit must know that its end is wanted, or Restart= brings the guest back. */
    if (!by_unit)
        launcher_stop(g->engine->launcher, LAUNCHER_GUEST, g->name, NULL, NULL);
    return 0;
}

int guest_stop(Guest *g, Job *job, bool by_unit, Fault **ret_fault)
{
    return stop_from(g, job, GUEST_RUNG_WAKE, by_unit, ret_fault);
}

int guest_kill(Guest *g, Job *job, Fault **ret_fault)
{
    return stop_from(g, job, GUEST_RUNG_KILL, false, ret_fault);
}
