/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and its agent, which the test plays: the real one would do to this machine what it must not. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../daemon/edge/qemu/qmp.h"
#include "rig-guest.h"

#define AGENT "[Agent]\nEnabled=yes\n"

typedef struct Inside {
    const Rig *rig;
    FakeQemu *qemu;
    Guest *guest;
    int listen_fd, fd;
    GString *commands;
} Inside;

static unsigned done_count, done_number;
static char *done_words;

static void on_done(const Fault *fault, unsigned number, void *userdata)
{
    done_count++;
    done_number = number;
    g_free(done_words);
    done_words = fault ? fault_to_line(fault) : NULL;
}

static Inside inside_new(const Rig *rig, FakeQemu *qemu)
{
    g_autofree char *path = g_build_filename(rig->run_path, "guests/win10/agent.sock", NULL);
    Inside inside = {.rig = rig, .qemu = qemu, .fd = -1, .commands = g_string_new(NULL)};

    done_count = 0;
    inside.guest = rig_run(rig, qemu, AGENT);
    /* In place of the socket that QEMU would have listened at. */
    inside.listen_fd = qmp_listen(path);
    ck_assert_int_ge(inside.listen_fd, 0);
    return inside;
}

static void inside_free(Inside *inside)
{
    rig_rest(inside->rig, inside->guest);
    ck_assert_str_eq(guest_inner_agent(inside->guest), "");
    guest_free(inside->guest);
    close(inside->listen_fd);
    if (inside->fd >= 0)
        close(inside->fd);
    g_string_free(inside->commands, TRUE);
    g_clear_pointer(&done_words, g_free);
}

static void open_port(Inside *inside, bool open)
{
    const char *text =
        open ? "{\"event\": \"VSERPORT_CHANGE\", \"data\": {\"id\": \"agent-port\", \"open\": true}}\n"
             : "{\"event\": \"VSERPORT_CHANGE\", \"data\": {\"id\": \"agent-port\", \"open\": false}}\n";
    ck_assert_int_eq(send(inside->qemu->qmp_fd, text, strlen(text), 0), (ssize_t)strlen(text));
    rig_settle(inside->rig);
}

static bool readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

/* Syncs, and answers each command so, as long as there are any. */
static void serve(Inside *inside, const char *answer)
{
    char text[4096];

    rig_settle(inside->rig);
    while (inside->fd < 0 ? readable(inside->listen_fd) : readable(inside->fd)) {
        if (inside->fd < 0)
            inside->fd = accept4(inside->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        ssize_t n = recv(inside->fd, text, sizeof(text) - 1, 0);
        if (n <= 0) {
            close(inside->fd);
            inside->fd = -1;
            continue;
        }
        text[n] = '\0';
        const char *id = strstr(text, "\"id\":");
        g_autofree char *reply =
            id ? g_strdup_printf("\xff{\"return\": %lld}\n", atoll(id + 5)) : g_strdup(answer);
        if (!id)
            g_string_append(inside->commands, text);
        if (*reply)
            ck_assert_int_gt(send(inside->fd, reply, strlen(reply), MSG_NOSIGNAL), 0);
        rig_settle(inside->rig);
    }
}

static void send_inside(Inside *inside, InnerErrand errand, const char *answer)
{
    ck_assert_int_eq(guest_send_inside(inside->guest, errand, on_done, NULL, NULL), 0);
    serve(inside, answer);
}

#define A_GUEST_WITHOUT_ITS_AGENT                                                                            \
    A_RIG(build_gpu);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(inside_free))) Inside inside = inside_new(&rig, &qemu)
/* Its agent has told its addresses: none. */
#define A_GUEST_WITH_ITS_AGENT                                                                               \
    A_GUEST_WITHOUT_ITS_AGENT;                                                                               \
    open_port(&inside, true);                                                                                \
    serve(&inside, "{\"return\": []}\n")

START_TEST(its_addresses_are_told_as_soon_as_there_is_an_agent)
{
    A_GUEST_WITHOUT_ITS_AGENT;
    ck_assert_str_eq(guest_inner_agent(inside.guest), "absent");
    open_port(&inside, true);
    ck_assert_str_eq(guest_inner_agent(inside.guest), "silent");
    serve(&inside, "{\"return\": [{\"ip-addresses\": [{\"ip-address\": \"10.1.2.3\"}]}]}\n");
    ck_assert_str_eq(guest_inner_agent(inside.guest), "answers");
    ck_assert_uint_eq(guest_inner_addresses(inside.guest)->len, 1);
    ck_assert_str_eq(g_ptr_array_index(guest_inner_addresses(inside.guest), 0), "10.1.2.3");
    /* Somebody looks again at once. */
    guest_refresh_inner_addresses(inside.guest);
    serve(&inside, "");
    ck_assert_str_eq(inside.commands->str, "{\"execute\":\"guest-network-get-interfaces\"}\n");
    open_port(&inside, false);
    ck_assert_str_eq(guest_inner_agent(inside.guest), "absent");
    ck_assert_uint_eq(guest_inner_addresses(inside.guest)->len, 0);
}
END_TEST

START_TEST(it_is_asked_to_shut_down_before_the_power_button_is_pressed)
{
    A_GUEST_WITH_ITS_AGENT;
    ck_assert_int_eq(guest_stop(inside.guest, NULL, false, NULL), 0);
    ck_assert_str_eq(guest_sub_state(inside.guest), "agent");
    fake_qemu_serve(&qemu);
    serve(&inside, "");
    ck_assert(g_str_has_suffix(inside.commands->str,
                               "{\"execute\":\"guest-shutdown\",\"arguments\":{\"mode\":\"powerdown\"}}\n"));
    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(strstr(qemu.commands->str, "system_powerdown"));
}
END_TEST

START_TEST(an_agent_that_refuses_leaves_it_to_the_next_rung)
{
    A_GUEST_WITH_ITS_AGENT;
    ck_assert_int_eq(guest_stop(inside.guest, NULL, false, NULL), 0);
    fake_qemu_serve(&qemu);
    serve(&inside, "{\"error\": {\"desc\": \"the command is disabled\"}}\n");
    ck_assert_str_eq(guest_sub_state(inside.guest), "power-button");
}
END_TEST

START_TEST(without_an_agent_the_ladder_begins_with_the_power_button)
{
    A_GUEST_WITHOUT_ITS_AGENT;
    ck_assert_int_eq(guest_stop(inside.guest, NULL, false, NULL), 0);
    ck_assert_str_eq(guest_sub_state(inside.guest), "power-button");
}
END_TEST

START_TEST(file_systems_are_held_still_until_they_are_let_go_of)
{
    A_GUEST_WITH_ITS_AGENT;
    send_inside(&inside, INNER_ERRAND_FREEZE, "{\"return\": 3}\n");
    ck_assert_uint_eq(done_number, 3);
    ck_assert_str_eq(guest_sub_state(inside.guest), "frozen");
    send_inside(&inside, INNER_ERRAND_THAW, "{\"return\": 3}\n");
    ck_assert_uint_eq(done_count, 2);
    ck_assert_str_eq(guest_sub_state(inside.guest), "");
}
END_TEST

START_TEST(a_frozen_guest_is_thawed_before_it_is_to_shut_down)
{
    A_GUEST_WITH_ITS_AGENT;
    send_inside(&inside, INNER_ERRAND_FREEZE, "{\"return\": 1}\n");
    g_string_truncate(inside.commands, 0);
    ck_assert_int_eq(guest_stop(inside.guest, NULL, false, NULL), 0);
    fake_qemu_serve(&qemu);
    serve(&inside, "{\"return\": 1}\n");
    ck_assert(g_str_has_prefix(inside.commands->str,
                               "{\"execute\":\"guest-fsfreeze-thaw\"}\n{\"execute\":\"guest-shutdown\""));
}
END_TEST

START_TEST(the_next_daemon_knows_that_a_guest_is_frozen)
{
    A_GUEST_WITHOUT_ITS_AGENT;
    rig_restart(&rig, &qemu, inside.guest);
    inside.guest = rig_find(&rig, AGENT);
    qemu.chardevs =
        "[{\"label\": \"qmp\", \"frontend-open\": true}, {\"label\": \"agent\", \"frontend-open\": true}]";
    fake_qemu_serve(&qemu);
    serve(&inside, "{\"return\": \"frozen\"}\n");
    ck_assert_ptr_nonnull(strstr(inside.commands->str, "guest-fsfreeze-status"));
    ck_assert_str_eq(guest_sub_state(inside.guest), "frozen");
}
END_TEST

START_TEST(who_waits_for_an_agent_that_goes_is_told)
{
    A_GUEST_WITH_ITS_AGENT;
    send_inside(&inside, INNER_ERRAND_FREEZE, "");
    open_port(&inside, false);
    ck_assert_uint_eq(done_count, 1);
    ck_assert_str_eq(
        done_words,
        "the agent of guest win10 does not answer; see in the guest whether qemu-guest-agent runs");
    ck_assert_str_eq(guest_sub_state(inside.guest), "");
}
END_TEST

START_TEST(a_guest_without_an_agent_is_not_rebooted)
{
    A_GUEST_WITHOUT_ITS_AGENT;
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(guest_send_inside(inside.guest, INNER_ERRAND_REBOOT, on_done, NULL, &fault),
                     FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_REFUSED);
    ck_assert_ptr_nonnull(strstr(fault->remedy, "usherctl reset"));
    open_port(&inside, true);
    serve(&inside, "{\"return\": []}\n");
    send_inside(&inside, INNER_ERRAND_REBOOT, "");
    ck_assert(g_str_has_suffix(inside.commands->str, "{\"mode\":\"reboot\"}}\n"));
    rig_until(&rig, &done_count, 1);
    ck_assert_ptr_null(done_words);
}
END_TEST

SUITE("inner-agent", its_addresses_are_told_as_soon_as_there_is_an_agent,
      it_is_asked_to_shut_down_before_the_power_button_is_pressed,
      an_agent_that_refuses_leaves_it_to_the_next_rung,
      without_an_agent_the_ladder_begins_with_the_power_button,
      file_systems_are_held_still_until_they_are_let_go_of,
      a_frozen_guest_is_thawed_before_it_is_to_shut_down, the_next_daemon_knows_that_a_guest_is_frozen,
      who_waits_for_an_agent_that_goes_is_told, a_guest_without_an_agent_is_not_rebooted)
