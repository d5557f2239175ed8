/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/qemu/qmp-message.h"
#include "../suite.h"

#define GREETING                                                                                             \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"\"},"    \
    " \"capabilities\": [\"oob\"]}}\r\n"
#define EVENT                                                                                                \
    "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": " \
    "true}}\r\n"
#define REPLY "{\"return\": {\"status\": \"running\"}, \"id\": 7}\r\n"
#define NO "{\"id\": 8, \"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}}\r\n"

static void feed(QmpReader *reader, const char *text)
{
    ck_assert_int_eq(qmp_reader_feed(reader, text, strlen(text)), 0);
}

static QmpMessage *next(QmpReader *reader)
{
    QmpMessage *message = NULL;
    ck_assert_int_eq(qmp_reader_next(reader, &message), 1);
    return message;
}

static void assert_no_more(QmpReader *reader)
{
    QmpMessage *message = NULL;
    ck_assert_int_eq(qmp_reader_next(reader, &message), 0);
    ck_assert_ptr_null(message);
}

START_TEST(a_command_is_one_line_of_json)
{
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "id", json_object_new_string("a,\"b\"\n%n"));
    g_autofree char *bare = qmp_command_to_text("quit", NULL, 1);
    g_autofree char *full = qmp_command_to_text("device_del", arguments, G_MAXUINT64);
    ck_assert_str_eq(bare, "{\"execute\":\"quit\",\"id\":1}\n");
    ck_assert_str_eq(full, "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"a,\\\"b\\\"\\n%n\"},"
                           "\"id\":18446744073709551615}\n");
    ck_assert_int_eq(json_object_put(arguments), 1);
}
END_TEST

START_TEST(each_kind_of_message_is_told_apart)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    feed(reader, GREETING EVENT REPLY NO);
    g_autoptr(QmpMessage) greeting = next(reader), event = next(reader), reply = next(reader),
                          no = next(reader);

    ck_assert_int_eq(greeting->kind, QMP_GREETING);
    ck_assert_int_eq(event->kind, QMP_EVENT);
    ck_assert_str_eq(event->name, "SHUTDOWN");
    ck_assert_str_eq(json_object_to_json_string_ext(event->data, JSON_C_TO_STRING_PLAIN), "{\"guest\":true}");
    ck_assert_int_eq(reply->kind, QMP_REPLY);
    ck_assert_uint_eq(reply->id, 7);
    ck_assert_str_eq(json_object_to_json_string_ext(reply->data, JSON_C_TO_STRING_PLAIN),
                     "{\"status\":\"running\"}");
    ck_assert_int_eq(no->kind, QMP_ERROR);
    ck_assert_uint_eq(no->id, 8);
    ck_assert_str_eq(no->text, "not now");
    assert_no_more(reader);
}
END_TEST

START_TEST(messages_come_out_whole_wherever_they_were_cut)
{
    static const char all[] = GREETING EVENT REPLY NO;
    static const QmpKind kinds[] = {QMP_GREETING, QMP_EVENT, QMP_REPLY, QMP_ERROR};
    for (size_t cut = 1; cut < strlen(all); cut++) {
        g_autoptr(QmpReader) reader = qmp_reader_new();
        unsigned n = 0;
        for (const char *part = all; *part; part += MIN(cut, strlen(part))) {
            QmpMessage *message = NULL;
            ck_assert_int_eq(qmp_reader_feed(reader, part, MIN(cut, strlen(part))), 0);
            for (; qmp_reader_next(reader, &message) == 1; message = qmp_message_free(message))
                ck_assert_int_eq(message->kind, kinds[n++]);
        }
        ck_assert_uint_eq(n, 4);
    }
}
END_TEST

START_TEST(what_a_message_may_leave_out_is_empty)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    feed(reader, "{\"event\":\"STOP\"}{\"return\":null}{\"error\":{}}{\"return\":[],\"id\":\"seven\"}");
    g_autoptr(QmpMessage) event = next(reader), reply = next(reader), no = next(reader), named = next(reader);
    ck_assert_ptr_null(event->data);
    ck_assert_ptr_null(reply->data);
    ck_assert_uint_eq(reply->id, 0);
    ck_assert_str_eq(no->text, "an error without a message");
    ck_assert_uint_eq(named->id, 0);
}
END_TEST

START_TEST(what_is_no_message_breaks_the_reader_for_good)
{
    static const char *const bad[] = {
        "HTTP/1.1 200 OK\r\n",
        "}",
        "[]",
        "7 ",
        "\"QMP\" ",
        "{}",
        "{\"id\":1}",
        "{\"event\":7}",
        "{\"error\":7}",
        "{\"event\":\"a\",}",
        "{'event':'STOP'}",
        "{\"return\" 1}",
        "{\"event\":\"\xff\"}",
        "null ",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(QmpReader) reader = qmp_reader_new();
        QmpMessage *message = NULL;
        feed(reader, bad[i]);
        ck_assert_msg(qmp_reader_next(reader, &message) == -EBADMSG, "%s", bad[i]);
        ck_assert_int_eq(qmp_reader_feed(reader, REPLY, strlen(REPLY)), -EBADMSG);
        ck_assert_int_eq(qmp_reader_next(reader, &message), -EBADMSG);
        ck_assert_ptr_null(message);
    }
}
END_TEST

START_TEST(a_nul_byte_breaks_the_reader)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    QmpMessage *message = NULL;
    ck_assert_int_eq(qmp_reader_feed(reader, "{\"return\"\0:1}", 13), -EBADMSG);
    ck_assert_int_eq(qmp_reader_next(reader, &message), -EBADMSG);
}
END_TEST

START_TEST(a_message_that_never_ends_breaks_the_reader_at_its_limit)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    g_autofree char *fill = g_strnfill(64 * 1024, 'x');
    QmpMessage *message = NULL;
    int r = 0;
    unsigned n = 0;

    feed(reader, "{\"return\": \"");
    for (; r == 0 && n < 100; n++) {
        r = qmp_reader_feed(reader, fill, 64 * 1024);
        if (r == 0)
            r = qmp_reader_next(reader, &message);
    }
    ck_assert_int_eq(r, -EBADMSG);
    ck_assert_uint_eq(n, QMP_MESSAGE_MAX / (64 * 1024));
}
END_TEST

START_TEST(a_message_may_come_near_the_limit_and_the_next_begins_anew)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    g_autofree char *fill = g_strnfill(QMP_MESSAGE_MAX - 100, 'x'),
                    *text = g_strdup_printf("{\"return\":\"%s\"}", fill);
    for (int i = 0; i < 3; i++) {
        feed(reader, text);
        g_autoptr(QmpMessage) message = next(reader);
        ck_assert_int_eq(json_object_get_string_len(message->data), QMP_MESSAGE_MAX - 100);
    }
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    g_autoptr(QmpReader) reader = qmp_reader_new();
    g_autofree char *deep = g_strnfill(100000, '['), *text = g_strdup_printf("{\"return\":%s", deep);
    QmpMessage *message = NULL;
    feed(reader, text);
    ck_assert_int_eq(qmp_reader_next(reader, &message), -EBADMSG);
}
END_TEST

SUITE("qmp-message", a_command_is_one_line_of_json, each_kind_of_message_is_told_apart,
      messages_come_out_whole_wherever_they_were_cut, what_a_message_may_leave_out_is_empty,
      what_is_no_message_breaks_the_reader_for_good, a_nul_byte_breaks_the_reader,
      a_message_that_never_ends_breaks_the_reader_at_its_limit,
      a_message_may_come_near_the_limit_and_the_next_begins_anew, nesting_has_a_limit)
