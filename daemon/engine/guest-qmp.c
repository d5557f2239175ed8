/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says of a guest, and what it is told. A lost connection is made again and is never a reason to
 * kill. */
#include <string.h>

#include "../base/log.h"
#include "../edge/clock.h"
#include "guest-private.h"

#define ANSWER_USEC (5 * G_USEC_PER_SEC)
#define RETRY_USEC (G_USEC_PER_SEC / 4)
#define QMP_PATIENCE 4 /* attempts */

static void on_cont(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error < 0 && g->state == GUEST_STARTING)
        guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see: usherctl status",
                                "QEMU of guest %s would not run: %s", g->name, message ?: strerror(-error)));
}

/* After a restart of the daemon: take it as it is. */
static void adopt(Guest *g, const char *status)
{
    g->recovering = false;
    guest_set_state(g, GUEST_EVENT_ADOPT);
    if (g_str_equal(status, "paused"))
        guest_set_state(g, GUEST_EVENT_PAUSE);
    log_guest(LOG_INFO, g->name, "found running as pid %d", g->pid);
    if (g->stop_asked)
        guest_take_rung(g, MAX(g->rung, GUEST_RUNG_POWER_BUTTON));
    else if (g_str_equal(status, "prelaunch"))
        qmp_command(g->qmp, "cont", NULL, ANSWER_USEC, NULL, NULL);
}

void guest_adopt_unheard(Guest *g)
{
    g->recovering = false;
    guest_set_state(g, GUEST_EVENT_ADOPT);
    guest_set_state(g, GUEST_EVENT_SILENT);
    log_guest(LOG_WARNING, g->name, "found running as pid %d; QEMU says nothing", g->pid);
}

static int on_unheard(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    guest_adopt_unheard(g);
    if (g->stop_asked)
        guest_take_rung(g, MAX(g->rung, GUEST_RUNG_POWER_BUTTON));
    return 0;
}

void guest_find_qmp(Guest *g)
{
    guest_connect_qmp(g);
    guest_set_deadline(g, ANSWER_USEC, on_unheard);
}

static void on_status(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *field = NULL;

    if (error == -ETIMEDOUT && (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED))
        guest_set_state(g, GUEST_EVENT_SILENT);
    if (error < 0)
        return;
    const char *status =
        json_object_object_get_ex(result, "status", &field) ? json_object_get_string(field) : "";

    if (g->recovering)
        adopt(g, status);
    else if (g->state == GUEST_STARTING && g_str_equal(status, "prelaunch"))
        qmp_command(qmp, "cont", NULL, ANSWER_USEC, on_cont, g);
    else if (g->state == GUEST_UNRESPONSIVE)
        guest_set_state(g, g_str_equal(status, "paused") ? GUEST_EVENT_PAUSE : GUEST_EVENT_ANSWER);
}

static void on_ready(Qmp *qmp, void *userdata)
{
    Guest *g = userdata;

    g->qmp_attempts = 0;
    qmp_command(qmp, "query-status", NULL, ANSWER_USEC, on_status, g);
}

static void on_event(Qmp *qmp, const char *name, struct json_object *data, void *userdata)
{
    Guest *g = userdata;

    if (g_str_equal(name, "SHUTDOWN")) {
        struct json_object *reason = NULL;
        json_object_object_get_ex(data, "reason", &reason);
        log_guest(LOG_INFO, g->name, "QEMU ends: %s",
                  reason ? json_object_get_string(reason) : "unknown reason");
        g->shutdown_seen = true;
    } else if (g->recovering) {
        return;
    } else if (g_str_equal(name, "RESUME")) {
        guest_set_state(g, GUEST_EVENT_RUN);
        if (g->state == GUEST_RUNNING)
            job_end(g_steal_pointer(&g->start_job), NULL);
    } else if (g_str_equal(name, "STOP") && g->state != GUEST_STARTING && !g->shutdown_seen) {
        guest_set_state(g, GUEST_EVENT_PAUSE);
    }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    guest_connect_qmp(userdata);
    return 0;
}

static void on_closed(Qmp *qmp, int error, void *userdata)
{
    Guest *g = userdata;

    g->qmp = qmp_free(qmp);
    /* At its end QEMU closes it too, and the watch on the process tells: only a QEMU that stays is asked
     * again. */
    if (g->watched && !g->shutdown_seen)
        clock_after(g->engine->event, RETRY_USEC, on_retry, g, &g->qmp_retry);
}

void guest_connect_qmp(Guest *g)
{
    static const QmpHandler handler = {on_ready, on_event, on_closed};
    g_autofree char *path = guest_run_path(g, "qmp.sock");

    if (g->qmp || !g->watched)
        return;
    int r = qmp_connect(g->engine->event, path, &handler, g, &g->qmp);
    if (r >= 0)
        return;
    /* A QEMU that is about to end refuses too, and is gone by the next attempt. */
    if (++g->qmp_attempts == QMP_PATIENCE)
        log_guest(LOG_WARNING, g->name, "cannot reach QEMU at %s: %s; trying again", path, strerror(-r));
    if (g->qmp_attempts >= QMP_PATIENCE && (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED))
        guest_set_state(g, GUEST_EVENT_SILENT);
    clock_after(g->engine->event, RETRY_USEC, on_retry, g, &g->qmp_retry);
}

void guest_drop_qmp(Guest *g)
{
    g->qmp_retry = sd_event_source_disable_unref(g->qmp_retry);
    g->qmp = qmp_free(g->qmp);
}

typedef struct Control {
    Guest *guest;
    GuestControlled controlled;
    void *userdata;
} Control;

static void on_controlled(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    g_autofree Control *control = userdata;
    const char *name = control->guest->name;
    _cleanup_fault_ Fault *fault = NULL;

    if (error == -EREMOTEIO)
        fault = fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s said no: %s", name, message);
    else if (error < 0)
        fault = fault_new(FAULT_UNRESPONSIVE, "usherctl kill ends it", "QEMU of guest %s does not answer: %s",
                          name, g_strerror(-error));
    control->controlled(fault, control->userdata);
}

int guest_control(Guest *g, GuestControl control, GuestControlled controlled, void *userdata,
                  Fault **ret_fault)
{
    static const char *const commands[] = {
        [GUEST_CONTROL_PAUSE] = "stop",
        [GUEST_CONTROL_RESUME] = "cont",
        [GUEST_CONTROL_RESET] = "system_reset",
    };

    if (!guest_state_live(g->state) || g->state == GUEST_RESTORING || g->state == GUEST_STARTING)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (!g->qmp || !qmp_ready(g->qmp))
        return fault_raise(ret_fault, FAULT_UNRESPONSIVE, "usherctl kill ends it",
                           "QEMU of guest %s cannot be reached", g->name);

    Control *c = g_new0(Control, 1);
    *c = (Control){g, controlled, userdata};
    int r = qmp_command(g->qmp, commands[control], NULL, ANSWER_USEC, on_controlled, c);
    if (r < 0)
        g_free(c);
    return r;
}
