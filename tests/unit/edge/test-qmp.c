/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../scratch.h"
#include "qmp-line.h"

START_TEST(commands_may_be_sent_once_negotiated)
{
    g_autoptr(Line) line = line_new();
    ck_assert_int_eq(qmp_command(line->qmp, "quit", json_object_new_object(), 0, on_reply, line), -ENOTCONN);
    say(line, GREETING);
    ck_assert(!qmp_ready(line->qmp));
    ck_assert_int_eq(qmp_command(line->qmp, "quit", NULL, 0, on_reply, line), -ENOTCONN);
    say(line, YES(1));
    ck_assert(qmp_ready(line->qmp));
    assert_notes(line, "ready;");
}
END_TEST

START_TEST(a_command_goes_out_with_its_arguments_and_is_answered_once)
{
    g_autoptr(Line) line = negotiated_line();
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "id", json_object_new_string("a"));
    ck_assert_int_eq(qmp_command(line->qmp, "device_del", arguments, 0, on_reply, line), 0);
    assert_heard(line, "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"a\"},\"id\":2}\n");
    say(line, "{\"return\": {\"x\": 1}, \"id\": 2}" YES(2));
    assert_notes(line, "0 {\"x\":1};");
}
END_TEST

/* Returns the descriptor that came with the next bytes; -1: none. */
static int take_fd(Line *line, char *bytes, size_t size)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {bytes, size - 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.space)};
    ssize_t n = recvmsg(line->peer, &message, MSG_DONTWAIT);
    int fd = -1;

    ck_assert_int_ge(n, 0);
    bytes[n] = '\0';
    if (CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

static int send_fd_within(Line *line, int fd, uint64_t usec)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "fdname", json_object_new_string("client"));
    return qmp_command_with_fd(line->qmp, fd, "getfd", arguments, usec, on_reply, line);
}

static int send_fd(Line *line, int fd)
{
    return send_fd_within(line, fd, 0);
}

START_TEST(a_descriptor_goes_along_with_its_name_one_at_a_time)
{
    g_autoptr(Line) line = negotiated_line();
    char bytes[1000], byte;
    int tube[2];

    ck_assert_int_eq(pipe2(tube, O_CLOEXEC), 0);
    ck_assert_int_eq(send_fd(line, tube[1]), 0);
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(send_fd(line, other), -EBUSY);
    ck_assert_int_eq(fcntl(other, F_GETFD), -1);

    int fd = take_fd(line, bytes, sizeof(bytes));
    ck_assert_str_eq(bytes, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"client\"},\"id\":2}\n");
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(read(tube[0], &byte, 1), 1);
    /* Our copy is closed, so the other side's end is the last. */
    close_fd(fd);
    ck_assert_int_eq(read(tube[0], &byte, 1), 0);

    say(line, YES(2));
    command(line, "query-status", 0);
    ck_assert_int_eq(take_fd(line, bytes, sizeof(bytes)), -1);
    ck_assert_int_eq(send_fd(line, open("/dev/null", O_RDONLY | O_CLOEXEC)), 0);
    close_fd(take_fd(line, bytes, sizeof(bytes)));
    close_fd(tube[0]);
}
END_TEST

/* QEMU keeps the last descriptor alone until it reads the command that it came with. */
START_TEST(a_descriptor_that_was_not_taken_in_time_is_not_lost_to_the_next)
{
    g_autoptr(Line) line = negotiated_line();

    ck_assert_int_eq(send_fd_within(line, open("/dev/null", O_RDONLY | O_CLOEXEC), 1000), 0);
    loop_until_count(line->event, &line->n_notes, 2);
    assert_notes(line, "-110 null;");
    ck_assert_int_eq(send_fd(line, open("/dev/null", O_RDONLY | O_CLOEXEC)), -EBUSY);
    say(line, YES(2));
    assert_notes(line, "");
    ck_assert_int_eq(send_fd(line, open("/dev/null", O_RDONLY | O_CLOEXEC)), 0);
    say(line, YES(3));
    assert_notes(line, "0 {};");
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_sent_is_closed)
{
    g_autoptr(Line) line = line_new();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(send_fd(line, fd), -ENOTCONN);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(answers_find_their_commands_in_any_order)
{
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 0);
    command(line, "b", 0);
    ck_assert_int_eq(qmp_command(line->qmp, "c", NULL, 0, NULL, NULL), 0);
    say(line, "{\"return\": \"b\", \"id\": 3}{\"return\": \"c\", \"id\": 4}{\"return\": \"a\", \"id\": 2}");
    assert_notes(line, "0 \"b\";0 \"a\";");
}
END_TEST

START_TEST(a_refusal_comes_with_its_words)
{
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 0);
    say(line, "{\"id\": 2, \"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}}");
    assert_notes(line, "-121 not now;");
}
END_TEST

START_TEST(events_come_with_their_data)
{
    g_autoptr(Line) line = negotiated_line();
    say(line, "{\"event\": \"STOP\"}{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}");
    assert_notes(line, "STOP null;SHUTDOWN {\"guest\":true};");
}
END_TEST

START_TEST(messages_may_come_byte_by_byte)
{
    g_autoptr(Line) line = line_new();
    for (const char *c = GREETING YES(1) "{\"event\": \"STOP\"}\r\n"; *c; c++)
        say(line, (char[]){*c, '\0'});
    assert_notes(line, "ready;STOP null;");
}
END_TEST

/* Frees the connection within a callback; nothing may be told afterwards. */
static void assert_freed_upon(const char *wanted, const char *text, uint64_t timeout)
{
    g_autoptr(Line) line = negotiated_line();
    line->free_upon = wanted;
    command(line, "a", timeout);
    command(line, "b", 0);
    if (text)
        say(line, text);
    else if (timeout == 0)
        hang_up(line);
    else
        loop_until_count(line->event, &line->n_notes, 2);
    g_autofree char *only = g_strconcat(wanted, ";", NULL);
    ck_assert(g_str_has_suffix(line->notes->str, only));
    ck_assert_ptr_null(line->qmp);
    g_string_truncate(line->notes, 0);
    if (line->peer >= 0) {
        loop_settle(line->event);
        hang_up(line);
    }
    assert_notes(line, "");
}

START_TEST(any_callback_may_free_the_connection)
{
    assert_freed_upon("0 {}", YES(2) YES(3) "{\"event\": \"STOP\"}", 0);
    assert_freed_upon("STOP null", "{\"event\": \"STOP\"}" YES(2), 0);
    assert_freed_upon("-104 null", NULL, 0);
    assert_freed_upon("closed 0", NULL, 0);
    assert_freed_upon("-110 null", NULL, 1000);

    g_autoptr(Line) line = line_new();
    line->free_upon = "ready";
    say(line, GREETING YES(1) "{\"event\": \"STOP\"}");
    assert_notes(line, "ready;");
}
END_TEST

START_TEST(freeing_drops_what_is_pending_without_a_call)
{
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 1000);
    line->qmp = qmp_free(line->qmp);
    loop_settle(line->event);
    assert_notes(line, "");
    ck_assert_ptr_null(qmp_free(NULL));
}
END_TEST

START_TEST(nobody_to_connect_to_is_told_at_once)
{
    sd_event *event = loop_new();
    g_autofree char *dir = scratch_new("qmp"), *path = g_build_filename(dir, "qmp.sock", NULL);
    g_autofree char *fill = g_strnfill(120, 'x');
    Qmp *qmp = NULL;

    ck_assert_int_eq(qmp_connect(event, path, &handler, NULL, &qmp), -ENOENT);
    ck_assert_int_eq(qmp_connect(event, fill, &handler, NULL, &qmp), -ENAMETOOLONG);
    ck_assert_int_eq(qmp_listen(fill), -ENAMETOOLONG);
    close_fd(qmp_listen(path));
    ck_assert_int_eq(qmp_connect(event, path, &handler, NULL, &qmp), -ECONNREFUSED);
    ck_assert_ptr_null(qmp);
    scratch_remove(dir);
    sd_event_unref(event);
}
END_TEST

START_TEST(a_listening_socket_is_private_and_replaces_an_old_one)
{
    g_autofree char *dir = scratch_new("qmp"), *path = g_build_filename(dir, "qmp.sock", NULL);
    struct stat st;
    int old = qmp_listen(path), listener = qmp_listen(path);

    ck_assert_int_ge(old, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0600);
    ck_assert_int_eq(fcntl(listener, F_GETFD), FD_CLOEXEC);
    close_fd(old);
    close_fd(listener);
    scratch_remove(dir);
}
END_TEST

/* QEMU with its end of a listening socket as descriptor 3. */
static pid_t start_qemu(int listener)
{
    static const char *const argv[] = {"qemu-system-x86_64",
                                       "-nodefaults",
                                       "-display",
                                       "none",
                                       "-machine",
                                       "none",
                                       "-chardev",
                                       "socket,id=qmp,fd=3,server=on,wait=off",
                                       "-qmp",
                                       "chardev:qmp",
                                       NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, listener, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    ck_assert_int_eq(posix_spawn(&pid, "/usr/bin/qemu-system-x86_64", &actions, NULL, (char **)argv, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

START_TEST(a_real_qemu_is_reached_before_it_runs_and_quits)
{
    g_autofree char *dir = scratch_new("qmp"), *path = g_build_filename(dir, "qmp.sock", NULL);
    Line line = {.event = loop_new(), .peer = -1, .notes = g_string_new(NULL)};
    int listener = qmp_listen(path), status;

    ck_assert_int_ge(qmp_connect(line.event, path, &handler, &line, &line.qmp), 0);
    pid_t pid = start_qemu(listener);
    close_fd(listener);
    loop_until_count(line.event, &line.n_notes, 1);
    assert_notes(&line, "ready;");
    command(&line, "query-name", 60 * G_USEC_PER_SEC);
    loop_until_count(line.event, &line.n_notes, 2);
    assert_notes(&line, "0 {};");
    command(&line, "fnord", 60 * G_USEC_PER_SEC);
    loop_until_count(line.event, &line.n_notes, 3);
    assert_notes(&line, "-121 The command fnord has not been found;");
    command(&line, "quit", 60 * G_USEC_PER_SEC);
    loop_until_count(line.event, &line.n_notes, 6);
    /* The answer and the event may come in either order. */
    ck_assert_ptr_nonnull(
        strstr(line.notes->str, "SHUTDOWN {\"guest\":false,\"reason\":\"host-qmp-quit\"};"));
    ck_assert_ptr_nonnull(strstr(line.notes->str, "0 {};"));
    ck_assert(g_str_has_suffix(line.notes->str, ";closed 0;"));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    qmp_free(line.qmp);
    sd_event_unref(line.event);
    g_string_free(line.notes, TRUE);
    scratch_remove(dir);
}
END_TEST

START_TEST(a_connection_can_be_freed_in_the_rest_between_two_turns)
{
    g_autoptr(Line) line = negotiated_line();
    g_autoptr(GString) burst = g_string_new(NULL);

    for (int i = 0; i < 40; i++)
        g_string_append_printf(burst, "{\"timestamp\": {}, \"event\": \"E%d\"}\r\n", i);
    line->free_upon = "E20 null";
    say(line, burst->str);
    while (line->qmp)
        ck_assert_int_gt(sd_event_run(line->event, LOOP_DEADLINE_USEC), 0);
    loop_settle(line->event);
    ck_assert(g_str_has_suffix(line->notes->str, "E20 null;"));
}
END_TEST

START_TEST(no_more_answers_are_waited_for_than_256)
{
    g_autoptr(Line) line = negotiated_line();
    int r = 0, n = 0;

    while (n < 1000 && (r = qmp_command(line->qmp, "query-status", NULL, 0, on_reply, line)) == 0)
        n++;
    ck_assert_int_eq(r, -ENOBUFS);
    ck_assert_int_eq(n, 256);
}
END_TEST

SUITE("qmp", commands_may_be_sent_once_negotiated, a_command_goes_out_with_its_arguments_and_is_answered_once,
      a_descriptor_goes_along_with_its_name_one_at_a_time,
      a_descriptor_that_was_not_taken_in_time_is_not_lost_to_the_next,
      a_descriptor_that_cannot_be_sent_is_closed, answers_find_their_commands_in_any_order,
      a_refusal_comes_with_its_words, events_come_with_their_data, messages_may_come_byte_by_byte,
      any_callback_may_free_the_connection, freeing_drops_what_is_pending_without_a_call,
      nobody_to_connect_to_is_told_at_once, a_listening_socket_is_private_and_replaces_an_old_one,
      a_real_qemu_is_reached_before_it_runs_and_quits,
      a_connection_can_be_freed_in_the_rest_between_two_turns, no_more_answers_are_waited_for_than_256)
