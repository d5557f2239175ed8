/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says about a guest's vCPUs: whether they run, stand still or sleep. QEMU's events are immediate,
 * but only its answer to query-status counts; that is asked for after each event. */
#include <string.h>

#include "../../base/log.h"
#include "private.h"

static void come_to_run(Guest *g)
{
    sleeper_forget(g->run->sleeper);
    guest_set_state(g, g->state == GUEST_UNRESPONSIVE ? GUEST_EVENT_ANSWER : GUEST_EVENT_RUN);
    if (g->state == GUEST_RUNNING)
        job_end(g_steal_pointer(&g->start_job), NULL);
}

void guest_take_run_state(Guest *g, const char *status)
{
    RunState before = g->run->condition.state;

    g->run->condition.state = run_state_read(status);
    /* QEMU has announced its end, and stays: -no-shutdown among [QEMU] Arguments=. */
    if (g_strcmp0(status, "shutdown") == 0 && g->run->process.watched)
        qemu_link_set_ending(g->run->link, false);
    if (g->run->condition.state.kind == RUN_GOES && !qemu_link_ending(g->run->link))
        revival_settle(g->revival);
    if (g->state == GUEST_STOPPING) {
        ladder_sync(g->run->ladder);
    } else if (g->run->condition.state.kind == RUN_GOES) {
        /* Before the vCPUs have run once, QEMU has no order to run them and no event about them. */
        if (g->state == GUEST_PAUSED || g->state == GUEST_UNRESPONSIVE || g->state == GUEST_STARTING)
            come_to_run(g);
    } else if (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED || g->state == GUEST_UNRESPONSIVE) {
        guest_set_state(g, GUEST_EVENT_PAUSE);
        if (strcmp(before.word, g->run->condition.state.word) != 0)
            guest_announce(g);
    }
}

void guest_take_status(const char *status, void *guest)
{
    guest_take_run_state(guest, status);
}

static void on_run(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *status = NULL;

    if (error == 0 && json_object_object_get_ex(result, "status", &status))
        guest_take_run_state(g, json_object_get_string(status));
}

static void ask(Guest *g)
{
    qmp_command(qemu_link_qmp(g->run->link), "query-status", NULL, QMP_ANSWER_USEC, on_run, g);
}

bool guest_run_state_event(Guest *g, const char *name)
{
    bool first = g->state == GUEST_STARTING;

    if (g_str_equal(name, "RESUME")) {
        guest_take_run_state(g, "running");
        guest_sync_inputs(g);
        guest_sync_usbs(g);
        if (first)
            return true;
    } else if (g_str_equal(name, "WAKEUP")) {
        log_guest(LOG_INFO, g->name, "its system wakes up");
        guest_take_run_state(g, "running");
    } else if (g_str_equal(name, "SUSPEND")) {
        log_guest(LOG_INFO, g->name, "its system has put itself to sleep");
        guest_take_run_state(g, "suspended");
    } else if (g_str_equal(name, "SUSPEND_DISK")) {
        /* QEMU ends next, by itself. */
        log_guest(LOG_INFO, g->name, "its system has hibernated to its disk");
        g->run->condition.hibernates = true;
        return true;
    } else if (!g_str_equal(name, "STOP")) {
        return false;
    } else if (first) {
        return true;
    } else if (g->state != GUEST_STOPPING && !qemu_link_ending(g->run->link)) {
        /* A guest that is stopping may have been told to go on meanwhile. */
        guest_take_run_state(g, "paused");
    }
    ask(g);
    return true;
}

void guest_adopt(Guest *g)
{
    g->run->recovering = false;
    g->run->adopted = true;
    g->run->condition.unheard = true;
    guest_set_state(g, GUEST_EVENT_ADOPT);
}

void guest_adopt_unheard(Guest *g)
{
    qemu_link_give_up(g->run->link);
    guest_adopt(g);
    guest_set_state(g, GUEST_EVENT_SILENT);
    log_guest(LOG_WARNING, g->name, "found running as pid %d; QEMU says nothing", g->run->process.pid);
}
