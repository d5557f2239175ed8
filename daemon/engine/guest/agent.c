/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/qemu/agent-message.h"
#include "../../edge/qemu/guest-agent.h"
#include "../../edge/qemu/qmp.h"

/* The guest's file systems write out their data first. */
#define FREEZE_USEC (60 * G_USEC_PER_SEC)
/* How old the addresses may be if somebody looks at them. */
#define ADDRESSES_USEC (10 * G_USEC_PER_SEC)

struct InnerAgent {
    char *guest;
    const InnerAgentHandler *handler;
    void *userdata;
    GuestAgent *connection;
    bool open;    /* a program inside has opened the port */
    bool answers; /* the agent answered the last question */
    bool frozen;
    bool addresses_asked;
    uint64_t addresses_at; /* monotonic */
    GPtrArray *addresses;  /* of char* */
    GPtrArray *errands;    /* of Errand, owned: those under way */
};

/* Its sender waits for the answer. */
typedef struct Errand {
    InnerAgent *agent;
    InnerErrand what;
    InnerErrandDone done;
    void *userdata;
} Errand;

InnerAgent *inner_agent_new(sd_event *event, const char *guest, const char *path,
                            const InnerAgentHandler *handler, void *userdata)
{
    InnerAgent *agent = g_new0(InnerAgent, 1);

    agent->guest = g_strdup(guest);
    agent->handler = handler;
    agent->userdata = userdata;
    agent->connection = guest_agent_new(event, path);
    agent->addresses = g_ptr_array_new_with_free_func(g_free);
    agent->errands = g_ptr_array_new_with_free_func(g_free);
    return agent;
}

DEFINE_FREE(InnerAgent, inner_agent_free, agent)
{
    guest_agent_free(agent->connection);
    g_ptr_array_unref(agent->errands);
    g_ptr_array_unref(agent->addresses);
    g_free(agent->guest);
}

const char *inner_agent_state(const InnerAgent *agent)
{
    return !agent->open ? "absent" : agent->answers ? "answers" : "silent";
}

bool inner_agent_is_open(const InnerAgent *agent)
{
    return agent->open;
}

bool inner_agent_has_frozen(const InnerAgent *agent)
{
    return agent->frozen;
}

const GPtrArray *inner_agent_addresses(const InnerAgent *agent)
{
    return agent->addresses;
}

static void changed(InnerAgent *agent)
{
    agent->handler->changed(agent->userdata);
}

/* Called upon every answer, and upon every answer that did not come. */
static void note(InnerAgent *agent, int error)
{
    bool answers = error == 0 || error == -EREMOTEIO;

    if (answers == agent->answers)
        return;
    agent->answers = answers;
    log_guest(LOG_INFO, agent->guest, "its agent %s", answers ? "answers" : "does not answer");
    changed(agent);
}

static bool same(const GPtrArray *a, const GPtrArray *b)
{
    bool same = a->len == b->len;

    for (unsigned i = 0; same && i < a->len; i++)
        same = g_str_equal(g_ptr_array_index(a, i), g_ptr_array_index(b, i));
    return same;
}

static void take_addresses(InnerAgent *agent, GPtrArray *addresses)
{
    g_autoptr(GPtrArray) old = agent->addresses;

    agent->addresses = addresses;
    if (!same(old, addresses))
        changed(agent);
}

static void on_addresses(int error, const char *message, struct json_object *result, void *userdata)
{
    InnerAgent *agent = userdata;

    agent->addresses_asked = false;
    note(agent, error);
    if (error == 0)
        take_addresses(agent, agent_addresses(result));
}

static int ask(InnerAgent *agent, const char *command, GuestAgentReply reply)
{
    return guest_agent_ask(agent->connection, command, NULL, GUEST_AGENT_ANSWERS, QMP_ANSWER_USEC, reply,
                           agent);
}

void inner_agent_refresh(InnerAgent *agent)
{
    uint64_t now = g_get_monotonic_time();

    /* An agent that has frozen file systems answers nothing else. */
    if (!agent->open || agent->frozen || agent->addresses_asked || now - agent->addresses_at < ADDRESSES_USEC)
        return;
    agent->addresses_at = now;
    agent->addresses_asked = ask(agent, "guest-network-get-interfaces", on_addresses) >= 0;
}

void inner_agent_set_open(InnerAgent *agent, bool open)
{
    if (agent->open == open)
        return;
    agent->open = open;
    agent->addresses_at = 0;
    if (!open) {
        /* The agent was stopped, or the system goes down. With frozen file systems neither is possible, as
         * the disks stand still. */
        guest_agent_hang_up(agent->connection);
        agent->frozen = agent->answers = agent->addresses_asked = false;
        take_addresses(agent, g_ptr_array_new_with_free_func(g_free));
    }
    changed(agent);
}

static void on_freeze_status(int error, const char *message, struct json_object *result, void *userdata)
{
    InnerAgent *agent = userdata;

    note(agent, error);
    if (error < 0 || !json_object_is_type(result, json_type_string))
        return;
    agent->frozen = g_str_equal(json_object_get_string(result), "frozen");
    changed(agent);
}

void inner_agent_recall(InnerAgent *agent)
{
    ask(agent, "guest-fsfreeze-status", on_freeze_status);
}

static struct json_object *shutdown_mode(const char *mode)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "mode", json_object_new_string(mode));
    return arguments;
}

static void on_asked_down(int error, const char *message, struct json_object *result, void *userdata)
{
    InnerAgent *agent = userdata;

    /* The agent may be gone before it could refuse. */
    if (error == -ECONNRESET)
        return;
    note(agent, error);
    if (error < 0)
        agent->handler->stays(message ?: g_strerror(-error), agent->userdata);
}

bool inner_agent_shut_down(InnerAgent *agent)
{
    /* A system whose file systems stand still cannot shut down. */
    if (agent->frozen)
        ask(agent, "guest-fsfreeze-thaw", NULL);
    return guest_agent_ask(agent->connection, "guest-shutdown", shutdown_mode("powerdown"),
                           GUEST_AGENT_SILENT, QMP_ANSWER_USEC, on_asked_down, agent) >= 0;
}

static void on_errand(int error, const char *message, struct json_object *result, void *userdata)
{
    Errand errand = *(Errand *)userdata;
    InnerAgent *agent = errand.agent;
    _cleanup_fault_ Fault *fault = NULL;
    unsigned number = json_object_is_type(result, json_type_int) ? json_object_get_int(result) : 0;

    g_ptr_array_remove_fast(agent->errands, userdata);
    note(agent, error);
    if (error == -EREMOTEIO)
        fault =
            fault_new(FAULT_GUEST_FAILED, NULL, "the agent of guest %s refused: %s", agent->guest, message);
    else if (error < 0)
        fault = fault_new(FAULT_UNRESPONSIVE, "see in the guest whether qemu-guest-agent runs",
                          "the agent of guest %s does not answer", agent->guest);
    /* An agent that did not answer in time may have frozen the file systems all the same. */
    if (errand.what == INNER_ERRAND_FREEZE && error != -EREMOTEIO)
        agent->frozen = true;
    else if (errand.what == INNER_ERRAND_THAW && error == 0)
        agent->frozen = false;
    changed(agent);
    errand.done(fault, number, errand.userdata);
}

static int refuse_closed(const InnerAgent *agent, InnerErrand errand, Fault **ret_fault)
{
    if (agent->open)
        return 0;
    g_autofree char *remedy = g_strdup_printf(
        "install qemu-guest-agent in the guest, and write [Agent] Enabled=yes into its definition%s",
        errand == INNER_ERRAND_REBOOT ? "; or press the guest's reset button: usherctl reset" : "");
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "guest %s has no agent", agent->guest);
}

int inner_agent_send(InnerAgent *agent, InnerErrand what, InnerErrandDone done, void *userdata,
                     Fault **ret_fault)
{
    static const struct {
        const char *command;
        GuestAgentEnd end;
        uint64_t usec;
    } errands[] = {
        [INNER_ERRAND_REBOOT] = {"guest-shutdown", GUEST_AGENT_SILENT, QMP_ANSWER_USEC},
        [INNER_ERRAND_FREEZE] = {"guest-fsfreeze-freeze", GUEST_AGENT_ANSWERS, FREEZE_USEC},
        [INNER_ERRAND_THAW] = {"guest-fsfreeze-thaw", GUEST_AGENT_ANSWERS, FREEZE_USEC},
    };

    int r = refuse_closed(agent, what, ret_fault);
    if (r != 0)
        return r;
    Errand *errand = g_new(Errand, 1);
    *errand = (Errand){agent, what, done, userdata};
    r = guest_agent_ask(agent->connection, errands[what].command,
                        what == INNER_ERRAND_REBOOT ? shutdown_mode("reboot") : NULL, errands[what].end,
                        errands[what].usec, on_errand, errand);
    if (r < 0) {
        g_free(errand);
        return fault_raise(ret_fault, FAULT_BUSY, "try again", "the agent of guest %s is busy", agent->guest);
    }
    g_ptr_array_add(agent->errands, errand);
    return 0;
}
