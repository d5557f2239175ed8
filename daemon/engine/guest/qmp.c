/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says of a guest, and what it is told. A lost connection is made again and is never a reason to
 * kill. */
#include <string.h>

#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "private.h"

#define RETRY_USEC (G_USEC_PER_SEC / 4)
#define QMP_PATIENCE 4 /* attempts */

static void on_cont(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    if (error < 0 && g->state == GUEST_STARTING)
        guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see: usherctl status",
                                "QEMU of guest %s would not run: %s", g->name, message ?: strerror(-error)));
}

void phase_run(Run *run)
{
    qmp_command(run->qmp, "cont", NULL, QMP_ANSWER_USEC, on_cont, run->guest);
}

/* After a restart of the daemon: take it as it is. */
static void adopt(Guest *g, const char *status)
{
    g->run->recovering = false;
    g->run->adopted = true;
    guest_set_state(g, GUEST_EVENT_ADOPT);
    guest_take_run_state(g, status);
    if (g->state == GUEST_PAUSED)
        sleeper_recall(g->run->sleeper);
    log_guest(LOG_INFO, g->name, "found running as pid %d", g->run->pid);
    guest_find_agent(g);
    if (g->run->stop_asked)
        ladder_take(g->run->ladder, STOP_RUNG_WAKE);
    else if (g_str_equal(status, "guest-panicked"))
        guest_panicked(g);
    else if (g_str_equal(status, "watchdog"))
        guest_watchdog_expired(g);
    else if (g_str_equal(status, "prelaunch"))
        qmp_command(g->run->qmp, "cont", NULL, QMP_ANSWER_USEC, NULL, NULL);
    guest_sync_inputs(g);
    guest_sync_usbs(g);
    if (g_str_equal(status, "prelaunch") && g->run->definition && g->run->definition->cpu.pin)
        log_guest(LOG_WARNING, g->name,
                  "its vCPUs are not pinned: usherd went away just then; they will be "
                  "when it is started the next time");
}

void guest_adopt_unheard(Guest *g)
{
    g->run->recovering = false;
    g->run->silent = true;
    guest_set_state(g, GUEST_EVENT_ADOPT);
    guest_set_state(g, GUEST_EVENT_SILENT);
    log_guest(LOG_WARNING, g->name, "found running as pid %d; QEMU says nothing", g->run->pid);
}

static int on_unheard(sd_event_source *source, uint64_t usec, void *userdata)
{
    guest_go_silent(userdata);
    return 0;
}

void guest_find_qmp(Guest *g)
{
    guest_connect_qmp(g);
    guest_set_deadline(g, QMP_ANSWER_USEC, on_unheard);
}

static void take_status(Guest *g, const char *status)
{
    if (g->run->silent)
        log_guest(LOG_NOTICE, g->name, "QEMU answers again");
    g->run->silent = false;
    if (g->run->recovering)
        adopt(g, status);
    else if (g->state == GUEST_STARTING && g_str_equal(status, "prelaunch"))
        guest_greeted(g->run);
    else
        guest_take_run_state(g, status);
    plugs_find(g->run->plugs);
}

static void on_status(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *field = NULL;

    g->run->asked = false;
    if (error == -ETIMEDOUT)
        guest_go_silent(g);
    if (error == 0)
        take_status(g, json_object_object_get_ex(result, "status", &field)
                           ? json_object_get_string(field) ?: ""
                           : "");
}

bool guest_qmp_usable(const Guest *g)
{
    return (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED) && g->run->qmp && qmp_ready(g->run->qmp) &&
           !g->run->silent && !g->run->shutdown_seen;
}

/* Answered when QEMU is back, however long that takes; nothing is asked again meanwhile. */
static void wait_for_answer(Guest *g)
{
    if (g->run->qmp && qmp_ready(g->run->qmp) &&
        qmp_command(g->run->qmp, "query-status", NULL, 0, on_status, g) >= 0)
        g->run->asked = true;
}

void guest_go_silent(Guest *g)
{
    if (!g->run->watched || g->run->silent || g->run->shutdown_seen)
        return;
    if (g->run->recovering)
        guest_adopt_unheard(g);
    else
        log_guest(LOG_WARNING, g->name, "QEMU (pid %d) does not answer", g->run->pid);
    g->run->silent = true;
    if (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED)
        guest_set_state(g, GUEST_EVENT_SILENT);
    if (g->run->stop_asked && g->state != GUEST_STOPPING)
        ladder_take(g->run->ladder, STOP_RUNG_TERMINATE);
    wait_for_answer(g);
}

void guest_ask(Guest *g)
{
    uint64_t now = g_get_monotonic_time();

    if ((g->state != GUEST_RUNNING && g->state != GUEST_PAUSED) || g->run->asked ||
        now - g->run->asked_at < QMP_ANSWER_USEC || plugs_pin_memory(g->run->plugs) || !g->run->qmp ||
        !qmp_ready(g->run->qmp))
        return;
    g->run->asked_at = now;
    g->run->asked = qmp_command(g->run->qmp, "query-status", NULL, QMP_ANSWER_USEC, on_status, g) >= 0;
}

static void on_ready(Qmp *qmp, void *userdata)
{
    Guest *g = userdata;

    g->run->qmp_attempts = 0;
    g->run->qmp_retry = sd_event_source_disable_unref(g->run->qmp_retry);
    if (g->run->silent)
        wait_for_answer(g);
    else
        g->run->asked = qmp_command(qmp, "query-status", NULL, QMP_ANSWER_USEC, on_status, g) >= 0;
}

static void on_port(Guest *g, struct json_object *data)
{
    struct json_object *id, *open;

    if (json_object_object_get_ex(data, "id", &id) && json_object_object_get_ex(data, "open", &open) &&
        g_strcmp0(json_object_get_string(id), QEMU_AGENT_PORT) == 0)
        guest_agent_port(g, json_object_get_boolean(open));
}

static void on_event(Qmp *qmp, const char *name, struct json_object *data, void *userdata)
{
    Guest *g = userdata;

    if (g_str_equal(name, "SHUTDOWN")) {
        struct json_object *reason = NULL;
        json_object_object_get_ex(data, "reason", &reason);
        log_guest(LOG_INFO, g->name, "QEMU ends: %s",
                  reason ? json_object_get_string(reason) : "unknown reason");
        g->run->shutdown_seen = true;
        if (!g->run->stop_asked && g_strcmp0(json_object_get_string(reason), "host-signal") == 0)
            log_guest(LOG_WARNING, g->name, "drift: somebody else ends it by a signal; its devices go back");
    } else if (g->run->recovering) {
        return;
    } else if (g_str_equal(name, "DEVICE_DELETED")) {
        plugs_deleted(g->run->plugs, data);
    } else if (g_str_equal(name, "DEVICE_TRAY_MOVED")) {
        medium_tray_moved(g->run->medium, data);
    } else if (guest_run_state_event(g, name)) {
        return;
    } else if (g_str_equal(name, "RESET")) {
        g->run->panicked = false;
    } else if (g_str_equal(name, "GUEST_PANICKED")) {
        guest_panicked(g);
    } else if (g_str_equal(name, "WATCHDOG")) {
        guest_watchdog_expired(g);
    } else if (g_str_equal(name, "VSERPORT_CHANGE")) {
        on_port(g, data);
    }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    guest_connect_qmp(userdata);
    return 0;
}

/* The socket takes a connection before QEMU reads it; while it starts, the deadline of the start counts. */
static int on_no_hello(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;

    if (g->state != GUEST_STARTING)
        guest_go_silent(g);
    return 0;
}

static void on_closed(Qmp *qmp, int error, void *userdata)
{
    Guest *g = userdata;

    g->run->qmp = qmp_free(qmp);
    medium_drop(g->run->medium);
    plugs_lose(g->run->plugs);
    g->run->asked = false;
    /* At its end QEMU closes it too, and the watch on the process tells: only a QEMU that stays is asked
     * again. */
    if (g->run->watched && !g->run->shutdown_seen)
        clock_after(g->engine->event, RETRY_USEC, on_retry, g, &g->run->qmp_retry);
}

void guest_connect_qmp(Guest *g)
{
    static const QmpHandler handler = {on_ready, on_event, on_closed};
    g_autofree char *path = guest_run_path(g, "qmp.sock");

    if (g->run->qmp || !g->run->watched)
        return;
    int r = qmp_connect(g->engine->event, path, &handler, g, &g->run->qmp);
    if (r >= 0) {
        clock_after(g->engine->event, QMP_ANSWER_USEC, on_no_hello, g, &g->run->qmp_retry);
        return;
    }
    /* A QEMU that is about to end refuses too, and is gone by the next attempt. */
    if (++g->run->qmp_attempts == QMP_PATIENCE)
        log_guest(LOG_WARNING, g->name, "cannot reach QEMU at %s: %s; trying again", path, strerror(-r));
    if (g->run->qmp_attempts * RETRY_USEC >= QMP_ANSWER_USEC && g->state != GUEST_STARTING)
        guest_go_silent(g);
    clock_after(g->engine->event, RETRY_USEC, on_retry, g, &g->run->qmp_retry);
}

void guest_drop_qmp(Guest *g)
{
    guest_close_streams(g);
    g->run->qmp_retry = sd_event_source_disable_unref(g->run->qmp_retry);
    g->run->qmp = qmp_free(g->run->qmp);
    medium_drop(g->run->medium);
    /* What the guest wants of itself when the host sleeps goes with the run. */
    controls_drop(g->run->controls, g->run->sleeper);
    g->run->asked = false;
}

int guest_raise_unresponsive(const Guest *g, Fault **ret_fault)
{
    return fault_raise(ret_fault, FAULT_UNRESPONSIVE, "usherctl kill ends it",
                       "QEMU of guest %s does not answer", g->name);
}
