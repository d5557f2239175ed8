/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Peers that hang up, flood, say nonsense or nothing at all. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "qmp-line.h"

START_TEST(an_answer_that_comes_too_late_is_dropped)
{
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 1000);
    loop_until_count(line->event, &line->n_notes, 2);
    say(line, YES(2));
    assert_notes(line, "-110 null;");
    ck_assert(qmp_ready(line->qmp));
    command(line, "b", 60 * G_USEC_PER_SEC);
    say(line, YES(3));
    assert_notes(line, "0 {};");
}
END_TEST

START_TEST(at_the_end_of_the_stream_all_are_answered_then_told)
{
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 60 * G_USEC_PER_SEC);
    command(line, "b", 0);
    say(line, "{\"event\": \"SHUTDOWN\"}");
    shutdown(line->peer, SHUT_WR);
    loop_settle(line->event);
    assert_notes(line, "SHUTDOWN null;-104 null;-104 null;closed 0;");
    hang_up(line);
    assert_notes(line, "");
}
END_TEST

START_TEST(what_was_said_before_the_end_is_heard)
{
    g_autoptr(Line) line = negotiated_line();
    static const char last[] = "{\"event\": \"SHUTDOWN\"}\r\n";
    ck_assert_int_eq(write(line->peer, last, strlen(last)), strlen(last));
    line->peer = close_fd(line->peer);
    /* The write finds nobody; that alone must not hide the event. */
    command(line, "a", 0);
    loop_settle(line->event);
    assert_notes(line, "SHUTDOWN null;-104 null;closed 0;");
}
END_TEST

START_TEST(what_is_no_qmp_ends_the_connection)
{
    static const char *const bad[] = {"HTTP/1.1 400 Bad Request\r\n",
                                      "{}",
                                      "[1]",
                                      YES(1),
                                      GREETING GREETING,
                                      GREETING "{\"error\": {\"desc\": \"no\"}, \"id\": 1}",
                                      "{\"event\": \"STOP\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Line) line = line_new();
        say(line, bad[i]);
        assert_notes(line, "closed -74;");
    }
    g_autoptr(Line) line = negotiated_line();
    command(line, "a", 0);
    say(line, "{\"event\": \"STOP\"}\r\nqemu: segmentation fault\r\n{\"event\": \"RESUME\"}");
    assert_notes(line, "STOP null;-104 null;closed -74;");
}
END_TEST

START_TEST(a_peer_that_never_answers_costs_nothing)
{
    g_autoptr(Line) line = line_new();
    loop_settle(line->event);
    assert_notes(line, "");
    hang_up(line);
    assert_notes(line, "closed 0;");
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_no_hang)
{
    g_autoptr(Line) line = negotiated_line();
    g_autofree char *name = g_strnfill(1000, 'x');
    int r = 0, n = 0;
    for (; r == 0 && n < 100000; n++)
        r = qmp_command(line->qmp, name, NULL, 0, on_reply, line);
    ck_assert_int_eq(r, -ENOBUFS);
    loop_settle(line->event);
    assert_notes(line, "");

    /* It reads after all: everything arrives, in order. */
    g_autoptr(GString) heard = g_string_new(NULL);
    char bytes[65536];
    ssize_t got;
    while ((got = recv(line->peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        g_string_append_len(heard, bytes, got);
        loop_settle(line->event);
    }
    g_auto(GStrv) commands = g_strsplit(heard->str, "\n", -1);
    ck_assert_uint_eq(g_strv_length(commands), n);
    g_autofree char *last = g_strdup_printf("\"id\":%d}", n);
    ck_assert(g_str_has_suffix(commands[n - 2], last));
}
END_TEST

/* Says an event until the pipe is full, at each turn of the loop. */
static int on_flood(sd_event_source *source, void *userdata)
{
    Line *line = userdata;
    static const char event[] = "{\"timestamp\": {}, \"event\": \"DEVICE_TRAY_MOVED\"}\r\n";

    while (send(line->peer, event, sizeof(event) - 1, MSG_DONTWAIT) > 0)
        ;
    return 0;
}

START_TEST(events_without_end_keep_nobody_waiting)
{
    g_autoptr(Line) line = negotiated_line();
    sd_event_source *flood = NULL, *other = NULL;
    int turns = 0, before = line->n_notes;

    ck_assert_int_ge(sd_event_add_post(line->event, &flood, on_flood, line), 0);
    on_flood(NULL, line);
    _cleanup_close_ int ready = eventfd(1, EFD_CLOEXEC);
    ck_assert_int_ge(sd_event_add_io(line->event, &other, ready, EPOLLIN, loop_on_busy, &turns), 0);
    gint64 start = g_get_monotonic_time(), until = start + G_USEC_PER_SEC / 2;
    while (g_get_monotonic_time() < until) {
        int turns_before = turns, notes_before = line->n_notes;
        for (int i = 0; i < 3; i++)
            ck_assert_int_gt(sd_event_run(line->event, LOOP_DEADLINE_USEC), 0);
        ck_assert_int_gt(turns, turns_before);
        ck_assert_int_le(line->n_notes - notes_before, 3 * 16);
    }
    int heard = line->n_notes - before;
    ck_assert_int_gt(heard, 16);
    ck_assert_int_le(heard, 16 * ((g_get_monotonic_time() - start) / 16000 + 3));
    sd_event_source_unref(flood);
    sd_event_source_unref(other);
}
END_TEST

START_TEST(a_burst_of_events_is_heard_whole_before_the_end)
{
    g_autoptr(Line) line = negotiated_line();
    g_autoptr(GString) burst = g_string_new(NULL);
    int before = line->n_notes;

    for (int i = 0; i < 100; i++)
        g_string_append(burst, "{\"timestamp\": {}, \"event\": \"RESET\"}\r\n");
    say(line, burst->str);
    hang_up(line);
    loop_until_count(line->event, &line->n_notes, before + 101);
    ck_assert(g_str_has_suffix(line->notes->str, "RESET null;closed 0;"));
}
END_TEST

SUITE("qmp-peer", an_answer_that_comes_too_late_is_dropped,
      at_the_end_of_the_stream_all_are_answered_then_told, what_was_said_before_the_end_is_heard,
      what_is_no_qmp_ends_the_connection, a_peer_that_never_answers_costs_nothing,
      a_peer_that_does_not_read_is_no_hang, events_without_end_keep_nobody_waiting,
      a_burst_of_events_is_heard_whole_before_the_end)
