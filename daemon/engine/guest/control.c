/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pause, resume and reset: each is answered once, whatever becomes of QEMU meanwhile. */
#include "../../edge/host-services/clock.h"
#include "private.h"

struct GuestControlling {
    Guest *guest;
    GuestControl control;
    const char *command;
    GuestControlled controlled;
    void *userdata;
};

static Fault *hung_up(const Guest *g)
{
    return fault_new(FAULT_NOT_RUNNING, NULL, "guest %s ended, or QEMU hung up", g->name);
}

static void end(GuestControlling *control, Fault *fault)
{
    _cleanup_fault_ Fault *owned = fault;

    g_ptr_array_remove_fast(control->guest->run->controls, control);
    control->controlled(owned, control->userdata);
    g_free(control);
}

static void end_with(GuestControlling *control, int error, const char *message)
{
    Guest *g = control->guest;
    Fault *fault = NULL;

    if (error == -ETIMEDOUT)
        guest_go_silent(g);
    if (error == -EREMOTEIO)
        fault = fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s said no: %s", g->name, message);
    else if (error == -ECONNRESET)
        fault = hung_up(g);
    else if (error < 0)
        guest_raise_unresponsive(g, &fault);
    /* A reset of what sleeps, or stands still for its trouble, is to run; one that somebody paused stays so.
     */
    if (error == 0 && control->control == GUEST_CONTROL_RESET && g->run->run_state.kind != RUN_BEGINS &&
        *g->run->run_state.word)
        qmp_command(g->run->qmp, "cont", NULL, QMP_ANSWER_USEC, NULL, NULL);
    end(control, fault);
}

static void on_controlled(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    end_with(userdata, error, message);
}

static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    GuestControlling *control = userdata;
    struct json_object *status = NULL;

    if (error == 0 && json_object_object_get_ex(result, "status", &status))
        guest_take_run_state(control->guest, json_object_get_string(status));
    /* `cont` does nothing to what sleeps (qmp_cont(), monitor/qmp-cmds.c). */
    if (control->control == GUEST_CONTROL_RESUME && control->guest->run->run_state.kind == RUN_SLEEPS)
        control->command = "system_wakeup";
    if (error == 0)
        error = qmp_command(qmp, control->command, NULL, QMP_ANSWER_USEC, on_controlled, control);
    if (error < 0)
        end_with(control, error, message);
}

int guest_control(Guest *g, GuestControl control, GuestControlled controlled, void *userdata,
                  Fault **ret_fault)
{
    static const char *const commands[] = {
        [GUEST_CONTROL_PAUSE] = "stop",
        [GUEST_CONTROL_RESUME] = "cont",
        [GUEST_CONTROL_CONTINUE] = "cont",
        [GUEST_CONTROL_RESET] = "system_reset",
    };

    if (!guest_state_live(g->state) || g->state == GUEST_RESTORING || g->state == GUEST_STARTING)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (g->run->silent || !g->run->qmp || !qmp_ready(g->run->qmp))
        return guest_raise_unresponsive(g, ret_fault);

    /* A command that is not read now would be obeyed when QEMU wakes up, long after its sender was told that
     * it failed: so it is sent to one that is awake. */
    GuestControlling *c = g_new(GuestControlling, 1);
    *c = (GuestControlling){g, control, commands[control], controlled, userdata};
    int r = qmp_command(g->run->qmp, "query-status", NULL, QMP_ANSWER_USEC, on_awake, c);
    if (r < 0)
        g_free(c);
    else
        g_ptr_array_add(g->run->controls, c);
    return r;
}

void guest_drop_controls(Guest *g)
{
    while (g->run->controls->len > 0) {
        GuestControlling *control = g_ptr_array_index(g->run->controls, 0);

        /* What the guest wants of itself when the host sleeps goes with the run. */
        if (control->userdata == g) {
            g_ptr_array_remove_index_fast(g->run->controls, 0);
            g_free(control);
        } else {
            end(control, hung_up(g));
        }
    }
}
