/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the agent inside a guest is asked for ([Agent]): its addresses, a shutdown or reboot in order, file
 * systems at rest for a backup. QEMU says whether an agent has opened its port; it is believed to be one when
 * it answers. */
#include <string.h>

#include "../../base/log.h"
#include "private.h"

/* File systems write out what they hold. */
#define FREEZE_USEC (60 * G_USEC_PER_SEC)
/* Somebody is looking: how old addresses may be. */
#define ADDRESSES_USEC (10 * G_USEC_PER_SEC)

const char *guest_agent_state(const Guest *g)
{
    if (!guest_state_live(g->state) || !g->run->definition || !g->run->definition->agent)
        return "";
    return !g->run->agent_open ? "absent" : g->run->agent_answers ? "answers" : "silent";
}

const GPtrArray *guest_inner_addresses(const Guest *g)
{
    return g->run ? g->run->inner_addresses : NULL;
}

static GuestAgent *the_agent(Guest *g)
{
    g_autofree char *path = guest_run_path(g, "agent.sock");

    if (!g->run->agent)
        g->run->agent = guest_agent_new(g->engine->event, path);
    return g->run->agent;
}

/* Upon every answer, and every one that did not come. */
static void note(Guest *g, int error)
{
    bool answers = error == 0 || error == -EREMOTEIO;

    if (answers == g->run->agent_answers)
        return;
    g->run->agent_answers = answers;
    log_guest(LOG_INFO, g->name, "its agent %s", answers ? "answers" : "does not answer");
    guest_announce(g);
}

static bool same(const GPtrArray *a, const GPtrArray *b)
{
    bool same = a->len == b->len;

    for (unsigned i = 0; same && i < a->len; i++)
        same = g_str_equal(g_ptr_array_index(a, i), g_ptr_array_index(b, i));
    return same;
}

static void take_addresses(Guest *g, GPtrArray *addresses)
{
    GPtrArray *old = g->run->inner_addresses;
    bool changed = !same(old, addresses);

    g->run->inner_addresses = addresses;
    g_ptr_array_unref(old);
    if (changed)
        guest_announce(g);
}

static void on_addresses(int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    g->run->addresses_asked = false;
    note(g, error);
    if (error == 0)
        take_addresses(g, agent_addresses(result));
}

void guest_ask_inside(Guest *g)
{
    uint64_t now = g_get_monotonic_time();

    /* A frozen one answers nothing else. */
    if (!g->run || !g->run->agent_open || g->run->frozen || g->run->addresses_asked ||
        now - g->run->addresses_at < ADDRESSES_USEC || g->state != GUEST_RUNNING)
        return;
    g->run->addresses_at = now;
    g->run->addresses_asked = guest_agent_ask(the_agent(g), "guest-network-get-interfaces", NULL,
                                              GUEST_AGENT_ANSWERS, QMP_ANSWER_USEC, on_addresses, g) >= 0;
}

void guest_agent_port(Guest *g, bool open)
{
    if (g->run->agent_open == open)
        return;
    g->run->agent_open = open;
    g->run->addresses_at = 0;
    if (open) {
        guest_ask_inside(g);
    } else {
        /* It was stopped, or the system goes down: a frozen one cannot be, as its disks stand still. */
        guest_agent_hang_up(g->run->agent);
        g->run->frozen = g->run->agent_answers = g->run->addresses_asked = false;
        take_addresses(g, g_ptr_array_new_with_free_func(g_free));
    }
    guest_announce(g);
}

void guest_forget_agent(Guest *g)
{
    guest_agent_hang_up(g->run->agent);
    g->run->agent_open = g->run->agent_answers = g->run->addresses_asked = g->run->frozen = false;
    g->run->addresses_at = 0;
    g_ptr_array_set_size(g->run->inner_addresses, 0);
}

/* The daemon may have been restarted in the middle of a backup. */
static void on_freeze_status(int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    note(g, error);
    if (error < 0 || !json_object_is_type(result, json_type_string))
        return;
    g->run->frozen = g_str_equal(json_object_get_string(result), "frozen");
    guest_announce(g);
}

/* query-chardev, after a restart of the daemon: the port was opened before. */
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
    if (g->run->agent_open)
        guest_agent_ask(the_agent(g), "guest-fsfreeze-status", NULL, GUEST_AGENT_ANSWERS, QMP_ANSWER_USEC,
                        on_freeze_status, g);
}

void guest_find_agent(Guest *g)
{
    if (g->run->definition && g->run->definition->agent)
        qmp_command(g->run->qmp, "query-chardev", NULL, QMP_ANSWER_USEC, on_chardevs, g);
}

static struct json_object *shutdown_mode(const char *mode)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "mode", json_object_new_string(mode));
    return arguments;
}

/* A rung that is not taken is left for the next one. */
static void on_asked_down(int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    /* It may be gone before it could say no. */
    if (error == -ECONNRESET)
        return;
    note(g, error);
    if (error == 0 || g->state != GUEST_STOPPING || g->run->rung != GUEST_RUNG_AGENT)
        return;
    log_guest(LOG_WARNING, g->name, "its agent does not shut it down: %s", message ?: g_strerror(-error));
    guest_take_rung(g, GUEST_RUNG_POWER_BUTTON);
}

bool guest_agent_shutdown(Guest *g)
{
    /* A system whose file systems stand still cannot shut down. */
    if (g->run->frozen)
        guest_agent_ask(the_agent(g), "guest-fsfreeze-thaw", NULL, GUEST_AGENT_ANSWERS, QMP_ANSWER_USEC, NULL,
                        NULL);
    return guest_agent_ask(the_agent(g), "guest-shutdown", shutdown_mode("powerdown"), GUEST_AGENT_SILENT,
                           QMP_ANSWER_USEC, on_asked_down, g) >= 0;
}

/* What somebody asks for, who waits for the answer. */
typedef struct Errand {
    Guest *guest;
    GuestInside what;
    GuestInsideDone done;
    void *userdata;
} Errand;

static void on_errand(int error, const char *message, struct json_object *result, void *userdata)
{
    g_autofree Errand *errand = userdata;
    Guest *g = errand->guest;
    _cleanup_fault_ Fault *fault = NULL;
    unsigned number = json_object_is_type(result, json_type_int) ? json_object_get_int(result) : 0;

    note(g, error);
    if (error == -EREMOTEIO)
        fault = fault_new(FAULT_GUEST_FAILED, NULL, "the agent of guest %s said no: %s", g->name, message);
    else if (error < 0)
        fault = fault_new(FAULT_UNRESPONSIVE, "see in the guest whether qemu-guest-agent runs",
                          "the agent of guest %s does not answer", g->name);
    /* One that did not answer in time may have frozen all the same. */
    if (errand->what == GUEST_INSIDE_FREEZE && error != -EREMOTEIO)
        g->run->frozen = true;
    else if (errand->what == GUEST_INSIDE_THAW && error == 0)
        g->run->frozen = false;
    guest_announce(g);
    errand->done(fault, number, errand->userdata);
}

static int refuse_without_agent(const Guest *g, GuestInside what, Fault **ret_fault)
{
    if (!guest_state_live(g->state) || g->state == GUEST_STARTING || g->state == GUEST_STOPPING)
        return fault_raise(ret_fault, FAULT_NOT_RUNNING, NULL, "guest %s is %s", g->name,
                           guest_state_to_string(g->state));
    if (g->run->agent_open)
        return 0;
    g_autofree char *remedy =
        g_strdup_printf("install qemu-guest-agent in it, and write [Agent] Enabled=yes into its definition%s",
                        what == GUEST_INSIDE_REBOOT ? "; or press its reset button: usherctl reset" : "");
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has no agent that could be asked",
                       g->name);
}

int guest_inside(Guest *g, GuestInside what, GuestInsideDone done, void *userdata, Fault **ret_fault)
{
    static const struct {
        const char *command;
        GuestAgentEnd end;
        uint64_t usec;
    } errands[] = {
        [GUEST_INSIDE_REBOOT] = {"guest-shutdown", GUEST_AGENT_SILENT, QMP_ANSWER_USEC},
        [GUEST_INSIDE_FREEZE] = {"guest-fsfreeze-freeze", GUEST_AGENT_ANSWERS, FREEZE_USEC},
        [GUEST_INSIDE_THAW] = {"guest-fsfreeze-thaw", GUEST_AGENT_ANSWERS, FREEZE_USEC},
    };

    int r = refuse_without_agent(g, what, ret_fault);
    if (r != 0)
        return r;
    Errand *errand = g_new0(Errand, 1);
    *errand = (Errand){g, what, done, userdata};
    r = guest_agent_ask(the_agent(g), errands[what].command,
                        what == GUEST_INSIDE_REBOOT ? shutdown_mode("reboot") : NULL, errands[what].end,
                        errands[what].usec, on_errand, errand);
    if (r == -EBUSY) {
        g_free(errand);
        return fault_raise(ret_fault, FAULT_BUSY, "try again", "the agent of guest %s has much to do",
                           g->name);
    }
    return r;
}
