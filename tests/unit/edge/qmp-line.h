/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QMP connection, what came over it as words, and the end of the line that is the test. */
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/qemu/qmp.h"
#include "../suite.h"
#include "loop.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define YES(id) "{\"return\": {}, \"id\": " #id "}\r\n"

/* A connection, what came over it as words, and the test's end of the line. */
typedef struct Line {
    sd_event *event;
    Qmp *qmp;
    int peer;
    GString *notes;
    const char *free_upon; /* the note after which the connection is freed */
    int n_notes;
} Line;

G_GNUC_PRINTF(3, 4) static inline void note(Line *line, Qmp *qmp, const char *format, ...)
{
    va_list arguments;

    ck_assert_ptr_eq(line->qmp, qmp);
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_string_append_printf(line->notes, "%s;", text);
    line->n_notes++;
    if (g_strcmp0(line->free_upon, text) == 0)
        line->qmp = qmp_free(line->qmp);
}

static inline void on_ready(Qmp *qmp, void *userdata)
{
    ck_assert(qmp_ready(qmp));
    note(userdata, qmp, "ready");
}

static inline void on_event(Qmp *qmp, const char *name, struct json_object *data, void *userdata)
{
    note(userdata, qmp, "%s %s", name, json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN));
}

static inline void on_closed(Qmp *qmp, int error, void *userdata)
{
    ck_assert(!qmp_ready(qmp));
    ck_assert_int_eq(qmp_command(qmp, "quit", NULL, 0, NULL, NULL), -ENOTCONN);
    note(userdata, qmp, "closed %d", error);
}

static inline void on_reply(Qmp *qmp, int error, const char *message, struct json_object *result,
                            void *userdata)
{
    note(userdata, qmp, "%d %s", error,
         error == -EREMOTEIO ? message : json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
}

static const QmpHandler handler = {on_ready, on_event, on_closed};

static inline Line *line_new(void)
{
    Line *line = g_new0(Line, 1);
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    line->event = loop_new();
    line->notes = g_string_new(NULL);
    line->peer = pair[1];
    ck_assert_int_ge(qmp_adopt(line->event, pair[0], &handler, line, &line->qmp), 0);
    return line;
}

static inline void line_free(Line *line)
{
    qmp_free(line->qmp);
    sd_event_unref(line->event);
    close_fd(line->peer);
    g_string_free(line->notes, TRUE);
    g_free(line);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Line, line_free)

static inline void say(Line *line, const char *text)
{
    ck_assert_int_eq(write(line->peer, text, strlen(text)), strlen(text));
    loop_settle(line->event);
}

static inline void hang_up(Line *line)
{
    line->peer = close_fd(line->peer);
    loop_settle(line->event);
}

/* What was said to the peer since last asked. */
static inline void assert_heard(Line *line, const char *text)
{
    char bytes[4096] = "";
    ssize_t n = recv(line->peer, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);
    ck_assert_str_eq(n > 0 ? bytes : "", text);
}

static inline void assert_notes(Line *line, const char *notes)
{
    ck_assert_str_eq(line->notes->str, notes);
    g_string_truncate(line->notes, 0);
}

static inline Line *negotiated_line(void)
{
    Line *line = line_new();

    say(line, GREETING);
    assert_heard(line, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
    say(line, YES(1));
    assert_notes(line, "ready;");
    return line;
}

static inline void command(Line *line, const char *name, uint64_t timeout)
{
    ck_assert_int_eq(qmp_command(line->qmp, name, NULL, timeout, on_reply, line), 0);
}
