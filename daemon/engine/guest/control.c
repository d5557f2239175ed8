/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control.h"

#include <errno.h>
#include <glib.h>

#include "../../base/cleanup.h"
#include "../../core/record/run-state.h"
#include "qmp-fault.h"

struct Controls {
    const char *guest;
    QemuLink *link;
    ControlsStatus status;
    void *userdata;
    GPtrArray *list; /* of Control, owned */
};

typedef struct Control {
    Controls *controls;
    GuestControl what;
    RunState found; /* QEMU's run state before */
    GuestControlled controlled;
    void *userdata;
} Control;

Controls *controls_new(const char *guest, QemuLink *link, ControlsStatus status, void *userdata)
{
    Controls *controls = g_new(Controls, 1);

    *controls = (Controls){guest, link, status, userdata, g_ptr_array_new_with_free_func(g_free)};
    return controls;
}

DEFINE_FREE(Controls, controls_free, controls)
{
    g_ptr_array_unref(controls->list);
}

static void end(Control *ended, int error, const char *message)
{
    Control control = *ended;
    _cleanup_fault_ Fault *fault = qmp_fault(control.controls->guest, error, message);

    g_ptr_array_remove_fast(control.controls->list, ended);
    control.controlled(fault, control.userdata);
}

static void on_controlled(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    Control *control = userdata;

    if (error == -ETIMEDOUT)
        qemu_link_go_silent(control->controls->link);
    /* After a reset a guest that slept, or was stopped by its trouble, runs; a guest that somebody paused
     * stays paused. */
    if (error == 0 && control->what == GUEST_CONTROL_RESET && control->found.kind != RUN_BEGINS &&
        *control->found.word)
        qmp_command(qmp, "cont", NULL, QMP_ANSWER_USEC, NULL, NULL);
    end(control, error, message);
}

static const char *command(const Control *control)
{
    static const char *const commands[] = {
        [GUEST_CONTROL_PAUSE] = "stop",
        [GUEST_CONTROL_RESUME] = "cont",
        [GUEST_CONTROL_CONTINUE] = "cont",
        [GUEST_CONTROL_RESET] = "system_reset",
    };

    /* `cont` does not wake a guest that sleeps (qmp_cont(), monitor/qmp-cmds.c). */
    if (control->what == GUEST_CONTROL_RESUME && control->found.kind == RUN_SLEEPS)
        return "system_wakeup";
    return commands[control->what];
}

static void on_awake(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Control *control = userdata;
    struct json_object *status = NULL;

    if (error == 0 && json_object_object_get_ex(result, "status", &status)) {
        control->found = run_state_read(json_object_get_string(status));
        control->controls->status(json_object_get_string(status), control->controls->userdata);
    }
    if (error == 0)
        error = qmp_command(qmp, command(control), NULL, QMP_ANSWER_USEC, on_controlled, control);
    if (error < 0)
        on_controlled(qmp, error, message, NULL, control);
}

int controls_send(Controls *controls, GuestControl what, GuestControlled controlled, void *userdata)
{
    Control *control = g_new(Control, 1);

    /* A QEMU that hangs would read a command when it wakes up, long after its sender was told that the
     * command failed. So the command is sent only to a QEMU that has just answered. */
    *control = (Control){controls, what, {RUN_BEGINS, ""}, controlled, userdata};
    int r =
        qmp_command(qemu_link_qmp(controls->link), "query-status", NULL, QMP_ANSWER_USEC, on_awake, control);
    if (r < 0)
        g_free(control);
    else
        g_ptr_array_add(controls->list, control);
    return r;
}

void controls_drop(Controls *controls, const void *untold)
{
    while (controls->list->len > 0) {
        Control *control = g_ptr_array_index(controls->list, 0);

        if (control->userdata == untold)
            g_ptr_array_remove_index_fast(controls->list, 0);
        else
            end(control, -ECONNRESET, NULL);
    }
}
