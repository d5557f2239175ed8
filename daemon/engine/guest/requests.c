/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands requests to a running guest to the parts that carry them out, and takes up what those parts
 * report. */
#include "../../core/definition/definition.h"
#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"
#include "qmp-fault.h"

static void on_changed(void *userdata)
{
    guest_announce(userdata);
}

/* The agent inside. */

/* If a rung is not taken, the ladder goes on to the next one. */
static void on_agent_stays(const char *message, void *userdata)
{
    Guest *g = userdata;

    if (ladder_rung(g->run->ladder) != STOP_RUNG_AGENT)
        return;
    log_guest(LOG_WARNING, g->name, "its agent does not shut it down: %s", message);
    ladder_agent_failed(g->run->ladder);
}

const InnerAgentHandler guest_agent_handler = {on_changed, on_agent_stays};

void guest_agent_port(Guest *g, bool open)
{
    inner_agent_set_open(g->run->agent, open);
    guest_refresh_inner_addresses(g);
}

/* query-chardev, after a restart of the daemon: a program opened the port before. */
static void on_chardevs(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *label, *open;

    for (size_t i = 0; json_object_is_type(result, json_type_array) && i < json_object_array_length(result);
         i++) {
        struct json_object *device = json_object_array_get_idx(result, i);
        if (json_object_object_get_ex(device, "label", &label) &&
            g_strcmp0(json_object_get_string(label), "agent") == 0 &&
            json_object_object_get_ex(device, "frontend-open", &open))
            guest_agent_port(g, json_object_get_boolean(open));
    }
    if (inner_agent_is_open(g->run->agent))
        inner_agent_recall(g->run->agent);
}

void guest_find_agent(Guest *g)
{
    if (g->run->definition && g->run->definition->agent)
        qmp_command(qemu_link_qmp(g->run->link), "query-chardev", NULL, QMP_ANSWER_USEC, on_chardevs, g);
}

const char *guest_inner_agent(const Guest *g)
{
    bool there = guest_state_live(g->state) && g->run->definition && g->run->definition->agent;

    return there ? inner_agent_state(g->run->agent) : "";
}

const GPtrArray *guest_inner_addresses(const Guest *g)
{
    return g->run ? inner_agent_addresses(g->run->agent) : NULL;
}

void guest_refresh_inner_addresses(Guest *g)
{
    if (g->state == GUEST_RUNNING)
        inner_agent_refresh(g->run->agent);
}

int guest_send_inside(Guest *g, InnerErrand errand, InnerErrandDone done, void *userdata, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_STARTING || g->state == GUEST_STOPPING)
        return guest_raise_not_running(g, ret_fault);
    return inner_agent_send(g->run->agent, errand, done, userdata, ret_fault);
}

/* Commands to QEMU. */

/* FAULT_NOT_RUNNING if QEMU is not there yet, or not any more. */
static int check_up(const Guest *g, Fault **ret_fault)
{
    bool up = guest_state_live(g->state) && g->state != GUEST_RESTORING && g->state != GUEST_STARTING;

    return up ? 0 : guest_raise_not_running(g, ret_fault);
}

static int check_answers(const Guest *g, Fault **ret_fault)
{
    return qemu_link_hears(g->run->link) ? 0 : qemu_link_raise_silent(g->run->link, ret_fault);
}

static int check_can_be_told(const Guest *g, Fault **ret_fault)
{
    int r = check_up(g, ret_fault);

    return r != 0 ? r : check_answers(g, ret_fault);
}

int guest_control(Guest *g, GuestControl control, GuestControlled controlled, void *userdata,
                  Fault **ret_fault)
{
    int r = check_can_be_told(g, ret_fault);

    return r != 0 ? r : controls_send(g->run->controls, control, controlled, userdata);
}

int guest_change_medium(Guest *g, const char *drive, int fd, bool force, GuestControlled controlled,
                        void *userdata, Fault **ret_fault)
{
    int r = check_can_be_told(g, ret_fault);

    if (r == 0) {
        const GPtrArray *cdroms = g->run->definition ? g->run->definition->cdroms : NULL;
        return medium_change(g->run->medium, cdroms, drive, fd, force, controlled, userdata, ret_fault);
    }
    close_fd(fd);
    return r;
}

int guest_open_log_for_streams(void *userdata)
{
    const Guest *g = userdata;

    /* Nobody can tell whether there is one when the definition's file is gone. */
    if (!g->run->definition)
        return -ENOTCONN;
    return g->run->definition->console_log ? guest_open_console_log(userdata) : -ENOENT;
}

const DefinitionDisplay *guest_screen(const Guest *g)
{
    const GuestDefinition *definition = guest_definition(g);

    return definition ? &definition->display : NULL;
}

DisplayType guest_display(const Guest *g)
{
    const DefinitionDisplay *display = guest_screen(g);

    return display ? display->type : DISPLAY_NONE;
}

static int check_display(const Guest *g, Fault **ret_fault)
{
    if (guest_display(g) != DISPLAY_NONE)
        return 0;
    g_autofree char *remedy = g_strdup_printf(
        "give the guest one for its next start: usherctl edit %s, [Display] Type=vnc", g->name);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has no display", g->name);
}

int guest_open(Guest *g, GuestStream stream, bool force, GuestOpened opened, void *userdata,
               Fault **ret_fault)
{
    bool display = stream == GUEST_STREAM_DISPLAY;

    int r = check_up(g, ret_fault);
    if (r == 0 && display)
        r = check_display(g, ret_fault);
    if (r == 0)
        r = check_answers(g, ret_fault);
    if (r != 0)
        return r;
    return streams_open(g->run->streams, stream,
                        display ? display_type_to_string(guest_display(g)) : "console", force, opened,
                        userdata, ret_fault);
}

/* The host's sleep. */

static void look_for_sleeper(SleeperView *ret, void *userdata)
{
    const Guest *g = userdata;

    *ret = (SleeperView){g->state, g->run->recovering, g->run->definition, g->addresses, guest_stop_usec(g)};
}

static void control_for_sleeper(GuestControl control, GuestControlled controlled, void *asker, void *userdata)
{
    const Guest *g = userdata;
    _cleanup_fault_ Fault *fault = NULL;

    int r = guest_control(userdata, control, controlled, asker, &fault);
    if (r < 0)
        fault = qmp_fault(g->name, r, NULL);
    if (fault)
        controlled(fault, asker);
}

static void stop_for_sleeper(void *userdata)
{
    guest_stop(userdata, NULL, false, NULL);
}

const SleeperHandler guest_sleeper_handler = {look_for_sleeper, control_for_sleeper, stop_for_sleeper,
                                              on_changed};

void guest_sync_sleep(Guest *g)
{
    if (g->run)
        sleeper_sync(g->run->sleeper);
}
