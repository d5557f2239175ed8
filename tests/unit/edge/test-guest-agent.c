/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With the real agent on a socket, told to refuse what would change the machine that runs the tests; and with
 * a played one that does what no real agent does. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/qemu/agent-message.h"
#include "../../../daemon/edge/qemu/guest-agent.h"
#include "../../../daemon/edge/qemu/qmp.h"
#include "../scratch.h"
#include "../suite.h"
#include "loop.h"

#define SECOND 1000000ull

static sd_event *event;
static char *folder, *path;
static GuestAgent *agent;
static int listen_fd = -1, peer = -1;
static int answers, last_error;
static char *last_message, *last_result;
static bool free_in_reply, hang_up_in_reply;

static void setup(void)
{
    event = loop_new();
    folder = scratch_new("guest-agent");
    path = g_build_filename(folder, "agent.sock", NULL);
    agent = guest_agent_new(event, path);
    answers = 0;
    free_in_reply = hang_up_in_reply = false;
}

static void teardown(void)
{
    agent = guest_agent_free(agent);
    if (peer >= 0)
        close(peer);
    if (listen_fd >= 0)
        close(listen_fd);
    peer = listen_fd = -1;
    sd_event_unref(event);
    scratch_remove(folder);
    g_clear_pointer(&last_message, g_free);
    g_clear_pointer(&last_result, g_free);
    g_free(folder);
    g_free(path);
}

static void on_reply(int error, const char *message, struct json_object *result, void *userdata)
{
    answers++;
    last_error = error;
    g_free(last_message);
    g_free(last_result);
    last_message = g_strdup(message);
    last_result = g_strdup(json_object_to_json_string(result));
    if (hang_up_in_reply && answers == 1)
        guest_agent_hang_up(agent);
    if (free_in_reply && answers > hang_up_in_reply)
        agent = guest_agent_free(agent);
}

static void ask(const char *command, GuestAgentEnd end, uint64_t usec)
{
    ck_assert_int_eq(guest_agent_ask(agent, command, NULL, end, usec, on_reply, NULL), 0);
}

/* An agent that listens as QEMU does. */
static void listen_here(void)
{
    listen_fd = qmp_listen(path);
    ck_assert_int_ge(listen_fd, 0);
}

static char *hear(void)
{
    static char text[4096];
    struct pollfd poll_fd = {.fd = listen_fd, .events = POLLIN};

    if (peer < 0) {
        loop_settle(event);
        ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
        peer = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    }
    loop_settle(event);
    poll_fd.fd = peer;
    ck_assert_int_eq(poll(&poll_fd, 1, 10000), 1);
    ssize_t n = recv(peer, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    return text;
}

static void say(const char *text)
{
    ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    loop_settle(event);
}

/* Answers the sync at the beginning of each connection. */
static void sync_up(const char *before)
{
    const char *asked = strstr(hear(), "\"id\":");

    ck_assert_ptr_nonnull(asked);
    g_autofree char *answer = g_strdup_printf("%s\xff{\"return\": %lld}\n", before, atoll(asked + 5));
    say(answer);
}

static pid_t start_real(void)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("qemu-ga", "qemu-ga", "--method=unix-listen", "--path", path, "--statedir", folder,
               "--block-rpcs",
               "guest-shutdown,guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-fsfreeze-thaw,guest-"
               "exec,guest-file-open,"
               "guest-set-time,guest-set-vcpus,guest-set-user-password,guest-suspend-disk,guest-suspend-ram,"
               "guest-suspend-hybrid,guest-fstrim,guest-set-memory-blocks",
               NULL);
        _exit(127);
    }
    while (access(path, F_OK) < 0)
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
    return pid;
}

START_TEST(the_real_agent_answers_one_question_after_the_other)
{
    setup();
    pid_t pid = start_real();
    /* The socket exists a moment before it listens. */
    do {
        answers = 0;
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
        loop_until_count(event, &answers, 1);
    } while (last_error == -ECONNRESET);
    ck_assert_int_eq(last_error, 0);
    ask("guest-network-get-interfaces", GUEST_AGENT_ANSWERS, 10 * SECOND);
    ask("guest-shutdown", GUEST_AGENT_SILENT, 10 * SECOND);
    loop_until_count(event, &answers, 2);
    ck_assert_int_eq(last_error, 0);
    ck_assert_ptr_nonnull(strstr(last_result, "\"lo\""));
    loop_until_count(event, &answers, 3);
    ck_assert_int_eq(last_error, -EREMOTEIO);
    ck_assert_ptr_nonnull(strstr(last_message, "guest-shutdown"));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    teardown();
}
END_TEST

START_TEST(what_an_earlier_conversation_left_is_not_taken_for_an_answer)
{
    setup();
    listen_here();
    ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    sync_up("{\"return\": {}}\n\xff{\"return\": 1}\nrubbish\n");
    ck_assert_int_eq(answers, 0);
    ck_assert_str_eq(hear(), "{\"execute\":\"guest-ping\"}\n");
    say("{\"return\": {}}\n");
    ck_assert_int_eq(answers, 1);
    ck_assert_int_eq(last_error, 0);
    teardown();
}
END_TEST

START_TEST(an_agent_that_says_nothing_is_given_up_and_asked_anew)
{
    setup();
    listen_here();
    ask("guest-ping", GUEST_AGENT_ANSWERS, SECOND / 10);
    ask("guest-info", GUEST_AGENT_ANSWERS, 10 * SECOND);
    hear();
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(last_error, -ETIMEDOUT);
    close(peer);
    peer = -1;
    sync_up("");
    ck_assert_str_eq(hear(), "{\"execute\":\"guest-info\"}\n");
    say("{\"return\": {}}\n");
    ck_assert_int_eq(last_error, 0);
    teardown();
}
END_TEST

START_TEST(what_is_not_answered_is_done_unless_it_is_refused)
{
    setup();
    listen_here();
    ask("guest-shutdown", GUEST_AGENT_SILENT, 10 * SECOND);
    sync_up("");
    hear();
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(last_error, 0);
    teardown();
}
END_TEST

START_TEST(a_system_that_goes_down_at_once_has_done_as_it_was_asked)
{
    for (unsigned i = 0; i < 2; i++) {
        setup();
        listen_here();
        ask("guest-shutdown", GUEST_AGENT_SILENT, 10 * SECOND);
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
        sync_up("");
        hear();
        if (i == 0) {
            guest_agent_hang_up(agent);
            ck_assert_int_eq(answers, 2);
            ck_assert_int_eq(last_error, -ECONNRESET);
        } else {
            close(peer);
            peer = -1;
            loop_until_count(event, &answers, 1);
            ck_assert_int_eq(last_error, 0);
        }
        teardown();
    }
}
END_TEST

START_TEST(floods_and_nonsense_cost_the_connection_alone)
{
    g_autofree char *flood = g_strnfill(AGENT_LINE_MAX + 1, '{');
    const char *const bad[] = {"{}\n", "[[[[\n", "\xff\n", "{\"return\": 1}\n{\"return\": 2}\n"};

    setup();
    listen_here();
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        answers = 0;
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
        sync_up("");
        hear();
        say(bad[i]);
        ck_assert_msg(answers == 1 && last_error == (i == 3 ? 0 : -EBADMSG), "%s: %d", bad[i], last_error);
        close(peer);
        peer = -1;
        loop_settle(event);
    }
    answers = 0;
    ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    hear();
    for (const char *rest = flood; answers == 0;) {
        ssize_t n = send(peer, rest, strlen(rest), MSG_NOSIGNAL | MSG_DONTWAIT);
        rest += MAX(n, 0);
        loop_settle(event);
    }
    ck_assert_int_eq(last_error, -EBADMSG);
    teardown();
}
END_TEST

START_TEST(without_a_socket_it_is_said_at_once)
{
    setup();
    ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(last_error, -ECONNRESET);
    teardown();
}
END_TEST

START_TEST(who_asks_too_much_is_told_so)
{
    setup();
    listen_here();
    for (unsigned i = 0; i < 8; i++)
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    ck_assert_int_eq(guest_agent_ask(agent, "guest-ping", NULL, GUEST_AGENT_ANSWERS, SECOND, on_reply, NULL),
                     -EBUSY);
    guest_agent_hang_up(agent);
    ck_assert_int_eq(answers, 8);
    ck_assert_int_eq(last_error, -ECONNRESET);
    teardown();
}
END_TEST

START_TEST(it_may_be_freed_by_whom_it_answers)
{
    setup();
    listen_here();
    free_in_reply = true;
    ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
    sync_up("");
    hear();
    say("{\"return\": {}}\n{\"return\": {}}\n");
    ck_assert_int_eq(answers, 1);
    ck_assert_ptr_null(agent);
    teardown();
}
END_TEST

START_TEST(it_may_be_hung_up_on_by_whom_it_answers)
{
    for (unsigned freed = 0; freed < 2; freed++) {
        setup();
        listen_here();
        hang_up_in_reply = true;
        free_in_reply = freed;
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
        ask("guest-ping", GUEST_AGENT_ANSWERS, 10 * SECOND);
        sync_up("");
        hear();
        /* Nobody hears what the agent says after that. */
        say("{\"return\": {}}\n{\"return\": {}}\n{\"return\": {}}\n");
        ck_assert_int_eq(answers, 2);
        ck_assert_int_eq(last_error, -ECONNRESET);
        ck_assert_int_eq(agent == NULL, freed);
        teardown();
    }
}
END_TEST

static int on_flood(sd_event_source *source, void *userdata)
{
    static const char line[] = "{\"return\": {\"never\": \"asked for\"}}\n";

    while (send(peer, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        ;
    return 0;
}

START_TEST(an_agent_that_answers_without_end_is_given_up_and_keeps_nobody_waiting)
{
    sd_event_source *flood = NULL, *other = NULL;
    int turns = 0;
    _cleanup_close_ int ready = eventfd(1, EFD_CLOEXEC);

    setup();
    listen_here();
    ask("guest-ping", GUEST_AGENT_ANSWERS, SECOND / 2);
    hear();
    ck_assert_int_ge(sd_event_add_post(event, &flood, on_flood, NULL), 0);
    ck_assert_int_ge(sd_event_add_io(event, &other, ready, EPOLLIN, loop_on_busy, &turns), 0);
    while (answers == 0) {
        int before = turns;
        for (int i = 0; i < 4; i++)
            ck_assert_int_gt(sd_event_run(event, LOOP_DEADLINE_USEC), 0);
        ck_assert_int_gt(turns, before);
    }
    ck_assert_int_eq(last_error, -ETIMEDOUT);
    sd_event_source_unref(flood);
    sd_event_source_unref(other);
    teardown();
}
END_TEST

SUITE("guest-agent", the_real_agent_answers_one_question_after_the_other,
      what_an_earlier_conversation_left_is_not_taken_for_an_answer,
      an_agent_that_says_nothing_is_given_up_and_asked_anew,
      what_is_not_answered_is_done_unless_it_is_refused,
      a_system_that_goes_down_at_once_has_done_as_it_was_asked, floods_and_nonsense_cost_the_connection_alone,
      without_a_socket_it_is_said_at_once, who_asks_too_much_is_told_so, it_may_be_freed_by_whom_it_answers,
      it_may_be_hung_up_on_by_whom_it_answers,
      an_agent_that_answers_without_end_is_given_up_and_keeps_nobody_waiting)
