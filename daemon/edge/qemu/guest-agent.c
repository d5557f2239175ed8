/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest-agent.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../base/cleanup.h"
#include "../../core/qemu/agent-message.h"
#include "../host-services/clock.h"

#define WAITING_MAX 8
#define READ_SIZE 4096
/* How long an agent may take to refuse a command that it does not answer when it obeys. */
#define REFUSAL_USEC (G_USEC_PER_SEC / 2)

typedef struct Question {
    char *command; /* a line */
    GuestAgentEnd end;
    uint64_t timeout_usec;
    GuestAgentReply reply;
    void *userdata;
} Question;

struct GuestAgent {
    sd_event *event;
    char *path;
    int fd; /* -1: not connected */
    sd_event_source *source, *deadline, *turn;
    AgentReader *reader;
    uint64_t sync; /* the number that the agent was to give back */
    bool synced;
    bool asked;       /* the first of the queue was sent */
    GQueue questions; /* of Question: the first is being asked */
    unsigned calling; /* callbacks under way, one in another */
    bool freed;       /* by one of them; goes when the last has returned */
};

DEFINE_ELEMENT_FREE(Question, question_free, question)
{
    g_free(question->command);
}

static void disconnect(GuestAgent *agent)
{
    agent->source = sd_event_source_disable_unref(agent->source);
    agent->deadline = sd_event_source_disable_unref(agent->deadline);
    agent->reader = agent_reader_free(agent->reader);
    agent->fd = close_fd(agent->fd);
    agent->synced = agent->asked = false;
}

GuestAgent *guest_agent_new(sd_event *event, const char *path)
{
    GuestAgent *agent = g_new0(GuestAgent, 1);

    agent->event = sd_event_ref(event);
    agent->path = g_strdup(path);
    agent->fd = -1;
    /* Random, so that it is not the number that the agent still owes to an earlier usherd. */
    agent->sync = g_random_int();
    g_queue_init(&agent->questions);
    return agent;
}

static void destroy(GuestAgent *agent)
{
    g_queue_clear_full(&agent->questions, question_free);
    sd_event_unref(agent->event);
    g_free(agent->path);
    g_free(agent);
}

GuestAgent *guest_agent_free(GuestAgent *agent)
{
    if (!agent)
        return NULL;
    disconnect(agent);
    agent->turn = sd_event_source_disable_unref(agent->turn);
    agent->freed = true;
    if (!agent->calling)
        destroy(agent);
    return NULL;
}

static int on_turn(sd_event_source *source, void *userdata);

static void go_on(GuestAgent *agent)
{
    if (!agent->turn && !g_queue_is_empty(&agent->questions))
        sd_event_add_defer(agent->event, &agent->turn, on_turn, agent);
}

/* Answers the question that is being asked, and goes on with the next. False: the callee freed the agent. */
static bool answer(GuestAgent *agent, int error, const char *message, struct json_object *result)
{
    Question *question = g_queue_pop_head(&agent->questions);

    agent->deadline = sd_event_source_disable_unref(agent->deadline);
    agent->asked = false;
    agent->calling++;
    if (question && question->reply)
        question->reply(error, message, result, question->userdata);
    if (question)
        question_free(question);
    agent->calling--;
    if (agent->freed) {
        if (agent->calling == 0)
            destroy(agent);
        return false;
    }
    go_on(agent);
    return true;
}

/* Whether the system was asked to go down, and went before its agent had the time to refuse. */
static bool went_down(const GuestAgent *agent)
{
    const Question *question = g_queue_peek_head((GQueue *)&agent->questions);

    return question && question->end == GUEST_AGENT_SILENT && agent->asked;
}

static void fail(GuestAgent *agent, int error)
{
    bool went = error == -ECONNRESET && went_down(agent);

    disconnect(agent);
    answer(agent, went ? 0 : error, NULL, NULL);
}

void guest_agent_hang_up(GuestAgent *agent)
{
    unsigned n = agent ? g_queue_get_length(&agent->questions) : 0;

    if (!agent)
        return;
    bool went = went_down(agent);
    disconnect(agent);
    if (went && (n-- == 0 || !answer(agent, 0, NULL, NULL)))
        return;
    /* Questions from here on are for the next agent. */
    while (n-- > 0 && answer(agent, -ECONNRESET, NULL, NULL))
        ;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    GuestAgent *agent = userdata;
    const Question *question = g_queue_peek_head(&agent->questions);

    bool done = agent->asked && question && question->end == GUEST_AGENT_SILENT;
    /* A later answer would be taken for the next question's. */
    disconnect(agent);
    answer(agent, done ? 0 : -ETIMEDOUT, NULL, NULL);
    return 0;
}

/* Lines are short, and QEMU reads no more than the guest does: what does not fit is an agent that is not
 * there. */
static bool say(GuestAgent *agent, const char *text)
{
    return send(agent->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(text);
}

static bool ask(GuestAgent *agent)
{
    const Question *question = g_queue_peek_head(&agent->questions);

    if (!question || agent->asked)
        return true;
    agent->asked = true;
    if (!say(agent, question->command)) {
        fail(agent, -ECONNRESET);
        return false;
    }
    if (question->end == GUEST_AGENT_SILENT)
        clock_after(agent->event, REFUSAL_USEC, on_late, agent, &agent->deadline);
    return true;
}

/* False: the connection is over, or the agent gone. */
static bool take_line(GuestAgent *agent, const char *line, bool marked)
{
    g_autofree char *message = NULL;
    struct json_object *result = NULL;
    bool goes_on = true;

    int r = agent_answer_parse(line, &result, &message);
    if (!agent->synced) {
        /* Everything before belongs to somebody else's conversation. */
        if (r == 0 && marked && json_object_is_type(result, json_type_int) &&
            json_object_get_int64(result) == (int64_t)agent->sync) {
            agent->synced = true;
            goes_on = ask(agent);
        }
    } else if (!agent->asked || r == -EBADMSG) {
        fail(agent, -EBADMSG);
        goes_on = false;
    } else {
        goes_on = answer(agent, r, message, result);
    }
    json_object_put(result);
    return goes_on;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    GuestAgent *agent = userdata;
    char bytes[READ_SIZE];
    bool marked;

    ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size <= 0) {
        fail(agent, -ECONNRESET);
        return 0;
    }
    int r = agent_reader_feed(agent->reader, bytes, size);
    if (r < 0) {
        fail(agent, r);
        return 0;
    }
    char *text;
    /* The handler of an answer may close the connection. */
    while (agent->reader && agent_reader_next(agent->reader, &text, &marked) > 0) {
        g_autofree char *line = text;
        if (!take_line(agent, line, marked))
            break;
    }
    return 0;
}

static int connect_to(GuestAgent *agent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(agent->path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, agent->path);
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    agent->reader = agent_reader_new();
    int r = sd_event_add_io(agent->event, &agent->source, agent->fd, EPOLLIN, on_io, agent);
    if (r < 0)
        return r;
    g_autofree char *sync = agent_sync_to_text(++agent->sync);
    return say(agent, sync) ? 0 : -ECONNRESET;
}

static int on_turn(sd_event_source *source, void *userdata)
{
    GuestAgent *agent = userdata;
    const Question *question = g_queue_peek_head(&agent->questions);
    int r = 0;

    agent->turn = sd_event_source_disable_unref(agent->turn);
    if (!question || agent->asked)
        return 0;
    if (agent->fd < 0)
        r = connect_to(agent);
    if (r >= 0)
        r = clock_after(agent->event, question->timeout_usec, on_late, agent, &agent->deadline);
    if (r < 0)
        fail(agent, -ECONNRESET);
    else if (agent->synced)
        ask(agent);
    return 0;
}

int guest_agent_ask(GuestAgent *agent, const char *command, struct json_object *arguments, GuestAgentEnd end,
                    uint64_t timeout_usec, GuestAgentReply reply, void *userdata)
{
    if (g_queue_get_length(&agent->questions) >= WAITING_MAX) {
        json_object_put(arguments);
        return -EBUSY;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){agent_command_to_text(command, arguments), end, timeout_usec, reply, userdata};
    g_queue_push_tail(&agent->questions, question);
    go_on(agent);
    return 0;
}
