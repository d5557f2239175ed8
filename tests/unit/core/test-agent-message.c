/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/qemu/agent-message.h"
#include "../suite.h"

START_TEST(what_is_asked_is_a_line_of_json)
{
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "mode", json_object_new_string("reboot"));
    g_autofree char *ping = agent_command_to_text("guest-ping", NULL);
    g_autofree char *reboot = agent_command_to_text("guest-shutdown", arguments);
    g_autofree char *sync = agent_sync_to_text(17);

    ck_assert_str_eq(ping, "{\"execute\":\"guest-ping\"}\n");
    ck_assert_str_eq(reboot, "{\"execute\":\"guest-shutdown\",\"arguments\":{\"mode\":\"reboot\"}}\n");
    ck_assert_str_eq(sync, "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":17}}\n");
}
END_TEST

static AgentReader *reader;

static char *next(bool *marked)
{
    char *line = NULL;
    return agent_reader_next(reader, &line, marked) > 0 ? line : NULL;
}

START_TEST(lines_come_in_pieces_and_a_mark_hides_what_is_before_it)
{
    bool marked;
    reader = agent_reader_new();
    ck_assert_int_eq(agent_reader_feed(reader, "{\"ret", 5), 0);
    ck_assert_ptr_null(next(&marked));
    ck_assert_int_eq(agent_reader_feed(reader, "urn\": 1}\nold{\xff{}\n", 18), 0);
    g_autofree char *first = next(&marked);
    ck_assert_str_eq(first, "{\"return\": 1}");
    ck_assert(!marked);
    g_autofree char *second = next(&marked);
    ck_assert_str_eq(second, "{}");
    ck_assert(marked);
    ck_assert_ptr_null(next(&marked));
    agent_reader_free(reader);
}
END_TEST

START_TEST(a_line_without_end_is_no_line)
{
    g_autofree char *flood = g_strnfill(AGENT_LINE_MAX, 'x');
    reader = agent_reader_new();
    ck_assert_int_eq(agent_reader_feed(reader, flood, AGENT_LINE_MAX), 0);
    ck_assert_int_eq(agent_reader_feed(reader, "x", 1), -EBADMSG);
    agent_reader_free(reader);
}
END_TEST

static int parse(const char *line, char **ret_message)
{
    struct json_object *result = NULL;
    int r = agent_answer_parse(line, &result, ret_message);
    json_object_put(result);
    return r;
}

START_TEST(an_answer_is_a_return_or_an_error_and_nothing_else)
{
    static const char *const nonsense[] = {
        "", "null", "{}", "[1]", "\"return\"", "{\"return\"", "{\"event\":1}", "17", "\xff\xfe"};
    g_autofree char *message = NULL, *odd = NULL;

    ck_assert_int_eq(parse("{\"return\": {}}", &message), 0);
    ck_assert_int_eq(parse("{\"return\": null}", &message), 0);
    ck_assert_int_eq(
        parse("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[31m\\nway\"}}", &message),
        -EREMOTEIO);
    ck_assert_str_eq(message, "no \\033[31m\\nway");
    ck_assert_int_eq(parse("{\"error\": 5}", &odd), -EREMOTEIO);
    ck_assert_str_eq(odd, "an error without a message");
    for (unsigned i = 0; i < G_N_ELEMENTS(nonsense); i++)
        ck_assert_msg(parse(nonsense[i], &message) == -EBADMSG, "%s", nonsense[i]);
}
END_TEST

START_TEST(an_answer_that_is_nested_deeply_is_nonsense)
{
    g_autofree char *open = g_strnfill(5000, '['), *line = g_strconcat("{\"return\": ", open, NULL);
    char *message = NULL;
    ck_assert_int_eq(parse(line, &message), -EBADMSG);
}
END_TEST

static char *addresses_of(const char *text)
{
    struct json_object *interfaces = json_tokener_parse(text);
    g_autoptr(GPtrArray) addresses = agent_addresses(interfaces);
    json_object_put(interfaces);
    g_ptr_array_add(addresses, NULL);
    return g_strjoinv(" ", (char **)addresses->pdata);
}

#define CARD(addresses) "{\"name\": \"eth0\", \"ip-addresses\": [" addresses "]}"
#define ADDRESS(text) "{\"ip-address-type\": \"ipv4\", \"ip-address\": \"" text "\", \"prefix\": 24}"

START_TEST(addresses_that_are_of_use_to_others_are_told_in_the_usual_form)
{
    g_autofree char *text = addresses_of(
        "[{\"name\": \"lo\", \"ip-addresses\": [" ADDRESS("127.0.0.1") "," ADDRESS("::1") "]}," CARD(
            ADDRESS("192.168.1.5") "," ADDRESS("fe80::1") "," ADDRESS("2001:DB8:0:0::5")) "]");
    ck_assert_str_eq(text, "192.168.1.5 2001:db8::5");
}
END_TEST

START_TEST(what_is_no_address_is_left_out)
{
    static const char *const odd[] = {"null",
                                      "5",
                                      "{}",
                                      "[]",
                                      "[5, [], {}]",
                                      "[{\"ip-addresses\": 7}]",
                                      "[{\"ip-addresses\": [7, {}, {\"ip-address\": {}}]}]",
                                      "[" CARD(ADDRESS("\\u001b[2J")) "]",
                                      "[" CARD(ADDRESS("1.2.3.4; reboot")) "]",
                                      "[" CARD(ADDRESS("169.254.7.7")) "]"};
    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *text = addresses_of(odd[i]);
        ck_assert_msg(*text == '\0', "%s: %s", odd[i], text);
    }
}
END_TEST

START_TEST(a_guest_with_a_million_addresses_has_some)
{
    g_autoptr(GString) text = g_string_new("[");
    for (unsigned i = 0; i < 1000; i++)
        g_string_append_printf(text, "%s" CARD(ADDRESS("10.0.%u.%u")), i ? "," : "", i / 250, i % 250 + 1);
    g_string_append_c(text, ']');
    g_autofree char *addresses = addresses_of(text->str);
    g_auto(GStrv) words = g_strsplit(addresses, " ", -1);
    ck_assert_uint_eq(g_strv_length(words), AGENT_ADDRESSES_MAX);
}
END_TEST

SUITE("agent-message", what_is_asked_is_a_line_of_json,
      lines_come_in_pieces_and_a_mark_hides_what_is_before_it, a_line_without_end_is_no_line,
      an_answer_is_a_return_or_an_error_and_nothing_else, an_answer_that_is_nested_deeply_is_nonsense,
      addresses_that_are_of_use_to_others_are_told_in_the_usual_form, what_is_no_address_is_left_out,
      a_guest_with_a_million_addresses_has_some)
