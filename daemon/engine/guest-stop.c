/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stop ladder: the agent inside, power button once, quit, SIGTERM, SIGKILL. No rung repeats the one
 * before, as asking twice the same way helps nobody. */
#include <signal.h>

#include "../base/log.h"
#include "../edge/clock.h"
#include "guest-private.h"

/* Where the definition is gone with its file. */
#define POWER_BUTTON_USEC (60 * G_USEC_PER_SEC)
#define QUIT_USEC (5 * G_USEC_PER_SEC)
#define TERMINATE_USEC (5 * G_USEC_PER_SEC)
#define KILL_USEC (10 * G_USEC_PER_SEC)

static uint64_t rung_usec(const Guest *g, GuestRung rung)
{
    switch (rung) {
    case GUEST_RUNG_AGENT:
        return g->definition && g->definition->agent ? g->definition->stop.agent_usec : 0;
    case GUEST_RUNG_POWER_BUTTON:
        return g->definition ? g->definition->stop.power_button_usec : POWER_BUTTON_USEC;
    case GUEST_RUNG_QUIT:
        return g->definition ? g->definition->stop.quit_usec : QUIT_USEC;
    case GUEST_RUNG_TERMINATE:
        return g->definition ? g->definition->stop.terminate_usec : TERMINATE_USEC;
    default:
        return KILL_USEC;
    }
}

uint64_t guest_stop_usec(const Guest *g)
{
    uint64_t sum = 0;

    for (GuestRung rung = GUEST_RUNG_AGENT; rung < GUEST_RUNG_KILL; rung++)
        sum += rung_usec(g, rung);
    return sum;
}

static int on_rung_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    if (g->rung < GUEST_RUNG_KILL) {
        guest_take_rung(g, g->rung + 1);
        return 0;
    }
    /* Only the kernel can hold it now; the devices come back when it lets go. */
    log_guest(LOG_ERR, g->name,
              "QEMU (pid %d) does not die of SIGKILL: it hangs in the kernel, see journalctl -k", g->pid);
    return 0;
}

/* The power button does not reach a QEMU that does not answer, and neither does quit. */
static void on_pressed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error != -ETIMEDOUT || g->state != GUEST_STOPPING || g->rung > GUEST_RUNG_QUIT)
        return;
    guest_go_silent(g);
    guest_take_rung(g, GUEST_RUNG_TERMINATE);
}

/* False if the rung cannot be taken as things are. */
static bool act(Guest *g, GuestRung rung)
{
    switch (rung) {
    case GUEST_RUNG_AGENT:
        if (!g->agent_open || g->silent || !g->qmp || !qmp_ready(g->qmp))
            return false;
        /* A paused guest cannot react. */
        qmp_command(g->qmp, "cont", NULL, 0, NULL, NULL);
        return guest_agent_shutdown(g);
    case GUEST_RUNG_POWER_BUTTON:
        if (g->silent || !g->qmp || !qmp_ready(g->qmp))
            return false;
        qmp_command(g->qmp, "cont", NULL, 0, NULL, NULL);
        return qmp_command(g->qmp, "system_powerdown", NULL, QMP_ANSWER_USEC, on_pressed, g) >= 0;
    case GUEST_RUNG_QUIT:
        if (g->silent || !g->qmp || !qmp_ready(g->qmp))
            return false;
        return qmp_command(g->qmp, "quit", NULL, 0, NULL, NULL) >= 0;
    case GUEST_RUNG_TERMINATE:
        return launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGTERM) >= 0;
    default:
        return launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGKILL) >= 0;
    }
}

void guest_take_rung(Guest *g, GuestRung rung)
{
    while (rung < GUEST_RUNG_KILL && (rung_usec(g, rung) == 0 || !act(g, rung)))
        rung++;
    if (rung == GUEST_RUNG_KILL)
        act(g, rung);

    g->rung = rung;
    guest_set_state(g, GUEST_EVENT_STOP);
    guest_set_deadline(g, rung_usec(g, rung), on_rung_over);
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

    g->stop_asked = true;
    guest_set_state(g, GUEST_EVENT_STOP);
    if (g->launch) {
        channel_send(g->launch, (const char *const[]){"refused", fault->message, "", NULL}, NULL, 0);
        g->launch = channel_free(g->launch);
    } else {
        /* It may be about to connect, and would be taken for a start of its own. */
        launcher_kill(g->engine->launcher, LAUNCHER_GUEST, g->name, SIGKILL);
    }
    if (g->execution)
        execution_stop(g->execution, NULL);
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
    g->stop_asked = true;
    if (g->recovering && g->watched && rung == GUEST_RUNG_KILL)
        guest_adopt_unheard(g); /* which needs no word of QEMU */
    if (g->recovering)
        g->rung = MAX(g->rung, rung); /* taken as soon as it is found */
    else if (g->state == GUEST_PREPARING || (g->state == GUEST_STOPPING && !g->watched))
        call_off(g);
    else if (g->state != GUEST_STOPPING || rung > g->rung)
        guest_take_rung(g, rung);
    /* The unit must know that its end is wanted, or Restart= brings the guest back. */
    if (!by_unit)
        launcher_stop(g->engine->launcher, LAUNCHER_GUEST, g->name, NULL, NULL);
    return 0;
}

int guest_stop(Guest *g, Job *job, bool by_unit, Fault **ret_fault)
{
    return stop_from(g, job, GUEST_RUNG_AGENT, by_unit, ret_fault);
}

int guest_kill(Guest *g, Job *job, Fault **ret_fault)
{
    return stop_from(g, job, GUEST_RUNG_KILL, false, ret_fault);
}
