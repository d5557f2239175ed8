/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <time.h>

#include "../suite.h"
#include "../../../daemon/core/definition/keys.h"
#include "a-definition.h"

static char *many(const char *first, const char *line, unsigned n)
{
    GString *text = g_string_new(first);

    for (unsigned i = 0; i < n; i++)
        g_string_append(text, line);
    return g_string_free(text, FALSE);
}

/* As many forwards as there may be: each network takes ports of its own. */
static char *all_forwards(unsigned last_port)
{
    GString *text = g_string_new(NULL);

    for (unsigned network = 0; network < 16; network++) {
        g_string_append_printf(text, "[Network n%u]\n", network);
        for (unsigned i = 0; i < 256; i++)
            g_string_append_printf(text, "Forward=tcp:127.0.%u.%u:%u:1\n", network, i,
                                   network == 15 && i == 255 ? last_port : 80);
    }
    return g_string_free(text, FALSE);
}

START_TEST(a_key_that_repeats_does_so_a_number_of_times)
{
    static const struct {
        const char *section, *line, *message;
    } keys[] = {
        {"[Network a]\n", "Forward=udp:1:1\n",
         FILE_PATH ":258: [Network a] has more than 256 lines Forward="},
        {"[Disk a]\n", "Backing=qcow2:/a\n", FILE_PATH ":34: [Disk a] has more than 32 lines Backing="},
        {"[QEMU]\n", "Arguments=-S\n", FILE_PATH ":258: [QEMU] has more than 256 lines Arguments="},
        {"[QEMU]\n", "Set=a.b=c\n", FILE_PATH ":258: [QEMU] has more than 256 lines Set="},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *text = many(keys[i].section, keys[i].line, 10000);
        assert_refused(text, keys[i].message, "remove one");
    }
}
END_TEST

START_TEST(each_key_that_repeats_says_how_often)
{
    unsigned n;
    const DefinitionKey *keys = definition_keys(&n);

    for (unsigned i = 0; i < n; i++)
        ck_assert_msg(keys[i].repeat == (keys[i].most > 0), "%s=", keys[i].name);
}
END_TEST

START_TEST(a_key_that_is_written_over_and_over_is_refused)
{
    g_autofree char *pins = many("[CPU]\n", "Pin=0-1023\n", 20000),
                    *given_back = many("[Network a]\n", "Forward=\n", 20000);

    assert_refused(pins, FILE_PATH ":514: [CPU] Pin= is written more than 512 times",
                   "remove all but the last");
    assert_refused(given_back, FILE_PATH ":514: [Network a] Forward= is written more than 512 times",
                   "remove all but the last");
}
END_TEST

START_TEST(all_texts_together_have_an_end)
{
    g_autofree char *comment = g_strnfill(255 * 1024, '\n'), *more = g_strnfill(1024, '\n'),
                    *too_much = g_strnfill(1025, '\n');

    g_autoptr(GuestDefinition) fits = a_definition_with(comment, more);
    assert_refused_with(comment, too_much, FILE_PATH " is longer than 256 KiB with its drop-ins", "shorten it");
}
END_TEST

START_TEST(there_are_at_most_64_drop_ins)
{
    g_autoptr(GuestDefinition) definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    DefinitionText texts[66];

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        texts[i] = (DefinitionText){FILE_PATH, "", 0};
    ck_assert_int_eq(definition_parse("win10", texts, 66, &definition, &fault), FAULT_RAISED);
    ck_assert_str_eq(fault->message, FILE_PATH " has more than 64 drop-ins");
    ck_assert_int_eq(definition_parse("win10", texts, 65, &definition, NULL), 0);
}
END_TEST

/* Measures this process's own time, whatever else runs: pairwise it would be 8 million comparisons. */
START_TEST(no_definition_takes_long)
{
    g_autofree char *forwards = all_forwards(80), *last = all_forwards(1),
                    *headers = many("[Disk a]\nPath=/a\nFormat=raw\n", "[Disk a]\n", 28000);
    clock_t begin = clock();

    for (unsigned i = 0; i < 10; i++) {
        g_autoptr(GuestDefinition) a = a_definition(forwards), b = a_definition(last), c = a_definition(headers);
    }
    ck_assert_int_lt((clock() - begin) / (CLOCKS_PER_SEC / 1000), 3000);
}
END_TEST

START_TEST(what_was_written_often_is_listed_once)
{
    g_autofree char *text = many("[Guest]\n", "Description=x\n", 500);
    DefinitionText texts[] = {{FILE_PATH, text, strlen(text)}, {DROP_IN_PATH, "[CPU]\nCores=3\n[Guest]\nDescription=\nDescription=y\n", 0}};
    g_autoptr(GPtrArray) lines = NULL;

    texts[1].size = strlen(texts[1].text);
    ck_assert_int_eq(definition_lines(texts, 2, &lines), 0);
    ck_assert_uint_eq(lines->len, 2);
    ck_assert_str_eq(((DefinitionLine *)g_ptr_array_index(lines, 0))->value, "y");
    ck_assert_str_eq(((DefinitionLine *)g_ptr_array_index(lines, 1))->value, "3");
}
END_TEST

SUITE("definition-limits", a_key_that_repeats_does_so_a_number_of_times, each_key_that_repeats_says_how_often,
      a_key_that_is_written_over_and_over_is_refused, all_texts_together_have_an_end, there_are_at_most_64_drop_ins,
      no_definition_takes_long, what_was_written_often_is_listed_once)
