/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says about a guest: its events, its run state, and that it is silent. Each is handed to the part
 * that needs it. */
#include "../../core/definition/cpu.h"
#include "../../base/log.h"
#include "private.h"

static void on_port(Guest *g, struct json_object *data)
{
    struct json_object *id, *open;

    if (json_object_object_get_ex(data, "id", &id) && json_object_object_get_ex(data, "open", &open) &&
        g_strcmp0(json_object_get_string(id), QEMU_AGENT_PORT) == 0)
        guest_agent_port(g, json_object_get_boolean(open));
}

static void on_event(const char *name, struct json_object *data, void *userdata)
{
    Guest *g = userdata;

    if (g_str_equal(name, "SHUTDOWN")) {
        struct json_object *reason = NULL;
        json_object_object_get_ex(data, "reason", &reason);
        log_guest(LOG_INFO, g->name, "QEMU ends: %s",
                  reason ? json_object_get_string(reason) : "unknown reason");
        qemu_link_set_ending(g->run->link, true);
        guest_note_shutdown(g, json_object_get_string(reason));
        if (!g->run->stop_asked && g_strcmp0(json_object_get_string(reason), "host-signal") == 0)
            log_guest(LOG_WARNING, g->name,
                      "drift: somebody else ended the guest by a signal; its devices go back to the host");
    } else if (g->run->recovering) {
        return;
    } else if (g_str_equal(name, "DEVICE_DELETED")) {
        plugs_deleted(g->run->plugs, data);
    } else if (g_str_equal(name, "DEVICE_TRAY_MOVED")) {
        medium_tray_moved(g->run->medium, data);
    } else if (guest_run_state_event(g, name)) {
        return;
    } else if (g_str_equal(name, "RESET")) {
        g->run->condition.panicked = false;
    } else if (g_str_equal(name, "GUEST_PANICKED")) {
        guest_panicked(g);
    } else if (g_str_equal(name, "WATCHDOG")) {
        guest_watchdog_expired(g);
    } else if (g_str_equal(name, "VSERPORT_CHANGE")) {
        on_port(g, data);
    }
}

/* The first word of a QEMU that an earlier daemon has left: take it as it is. */
static void meet(Guest *g, const char *status)
{
    g->run->condition.unheard = false;
    guest_take_run_state(g, status);
    if (g->state == GUEST_STOPPING)
        return;
    if (g->state == GUEST_PAUSED)
        sleeper_recall(g->run->sleeper);
    guest_find_agent(g);
    viewers_find(streams_viewers(g->run->streams));
    if (g->run->stop_asked)
        ladder_take(g->run->ladder, STOP_RUNG_WAKE);
    else if (g_str_equal(status, "guest-panicked"))
        guest_panicked(g);
    else if (g_str_equal(status, "watchdog"))
        guest_watchdog_expired(g);
    else if (g_str_equal(status, "prelaunch"))
        qmp_command(qemu_link_qmp(g->run->link), "cont", NULL, QMP_ANSWER_USEC, NULL, NULL);
    guest_sync_inputs(g);
    guest_sync_usbs(g);
    if (g_str_equal(status, "prelaunch") && g->run->definition && definition_cpu(g->run->definition)->pin)
        log_guest(
            LOG_WARNING, g->name,
            "its vCPUs are not pinned, because usherd went away just then; the guest's next start pins them");
}

static void on_status(const char *status, void *userdata)
{
    Guest *g = userdata;

    if (g->run->recovering) {
        guest_adopt(g);
        log_guest(LOG_INFO, g->name, "found running as pid %d", g->run->process.pid);
    }
    if (g->run->condition.unheard)
        meet(g, status);
    else if (g->state == GUEST_STARTING && g_str_equal(status, "prelaunch"))
        guest_greeted(g->run);
    else
        guest_take_run_state(g, status);
    plugs_find(g->run->plugs);
}

static void on_silent(void *userdata)
{
    Guest *g = userdata;

    if (g->run->recovering)
        guest_adopt_unheard(g);
    else
        log_guest(LOG_WARNING, g->name, "QEMU (pid %d) does not answer", g->run->process.pid);
    if (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED)
        guest_set_state(g, GUEST_EVENT_SILENT);
    if (g->run->stop_asked && g->state != GUEST_STOPPING)
        ladder_take(g->run->ladder, STOP_RUNG_TERMINATE);
}

static void on_lost(void *userdata)
{
    Guest *g = userdata;

    streams_drop(g->run->streams);
    medium_drop(g->run->medium);
    plugs_lose(g->run->plugs);
}

const QemuLinkHandler guest_link_handler = {on_status, on_event, on_silent, on_lost};

void guest_ask(Guest *g)
{
    if ((g->state == GUEST_RUNNING || g->state == GUEST_PAUSED) && !plugs_pin_memory(g->run->plugs))
        qemu_link_ask(g->run->link);
}
