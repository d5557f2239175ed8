/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../../daemon/base/fault.h"
#include "../../../daemon/base/words.h"
#include "../suite.h"

static char *many(const char *character, size_t n)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < n; i++)
        g_string_append(text, character);
    return g_string_free(text, FALSE);
}

START_TEST(what_is_short_stays_as_it_is)
{
    g_autofree char *exact = many("x", WORDS_NAME_MAX), *cut = words_cut(exact, WORDS_NAME_MAX),
                    *empty = words_cut("", WORDS_NAME_MAX);

    ck_assert_str_eq(cut, exact);
    ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(what_is_long_is_cut_where_a_character_begins)
{
    for (size_t begin = 0; begin < 4; begin++)
        for (const char *const *character = (const char *const[]){"x", "é", "€", "😀", NULL}; *character;
             character++) {
            g_autofree char *first = many("a", begin), *rest = many(*character, 1000),
                            *text = g_strconcat(first, rest, NULL), *cut = words_cut(text, WORDS_NAME_MAX);
            ck_assert_uint_le(strlen(cut), WORDS_NAME_MAX);
            ck_assert_uint_gt(strlen(cut), WORDS_NAME_MAX - 4);
            ck_assert(g_utf8_validate(cut, -1, NULL));
            ck_assert(g_str_has_suffix(cut, "…"));
        }
}
END_TEST

START_TEST(a_quoted_name_obeys_no_terminal_and_is_no_longer_than_a_line)
{
    g_autofree char *long_name = many("é", 9 * 1024 * 1024), *quoted = words_quote(long_name),
                    *odd = words_quote("win\033[2J\n\xff"), *plain = words_quote("win10");

    ck_assert_uint_le(strlen(quoted), 4 * WORDS_NAME_MAX + 3);
    ck_assert_ptr_null(strchr(odd, '\033'));
    ck_assert_ptr_null(strchr(odd, '\n'));
    ck_assert(g_utf8_validate(odd, -1, NULL));
    ck_assert_str_eq(plain, "win10");
}
END_TEST

START_TEST(no_fault_is_longer_than_a_message_may_be)
{
    g_autofree char *words = many("é", 1024 * 1024);
    _cleanup_fault_ Fault *fault = fault_new(FAULT_FAILED, words, "no guest %s", words);

    ck_assert_uint_le(strlen(fault->message), WORDS_MESSAGE_MAX);
    ck_assert_uint_le(strlen(fault->remedy), WORDS_MESSAGE_MAX);
    ck_assert(g_utf8_validate(fault->message, -1, NULL));
}
END_TEST

static void assert_line(const char *bytes, size_t size, const char *expected)
{
    g_autofree char *line = words_in_line(bytes, size);
    ck_assert_str_eq(line, expected);
    ck_assert(words_are_line(line, strlen(line)));
    ck_assert_int_eq(words_are_line(bytes, size),
                     strlen(expected) == size && memcmp(bytes, expected, size) == 0);
}

#define ASSERT_LINE(bytes, expected) assert_line(bytes, sizeof(bytes) - 1, expected)

START_TEST(what_is_a_line_stays_as_it_is)
{
    ASSERT_LINE("", "");
    ASSERT_LINE("a\tb → ü\\n", "a\tb → ü\\n");
}
END_TEST

START_TEST(what_is_not_valid_is_replaced)
{
    ASSERT_LINE("a\xff"
                "b",
                "a\uFFFD"
                "b");
    ASSERT_LINE("\xc3", "\uFFFD");
    ASSERT_LINE("a\0b", "a\uFFFD"
                        "b");
}
END_TEST

START_TEST(what_leaves_the_line_is_spelt_out)
{
    ASSERT_LINE("a\nb\r\x1b[31m\x7f", "a\\x0ab\\x0d\\x1b[31m\\x7f");
    ASSERT_LINE("\xc2\x85\xc2\x9b", "\\x85\\x9b");
    ASSERT_LINE("\u2028\u2029", "\\u2028\\u2029");
}
END_TEST

START_TEST(what_turns_the_line_about_is_spelt_out)
{
    ASSERT_LINE("\u202e\u2066\u200f\u061c", "\\u202e\\u2066\\u200f\\u061c");
}
END_TEST

SUITE("words", what_is_short_stays_as_it_is, what_is_long_is_cut_where_a_character_begins,
      a_quoted_name_obeys_no_terminal_and_is_no_longer_than_a_line, no_fault_is_longer_than_a_message_may_be,
      what_is_a_line_stays_as_it_is, what_is_not_valid_is_replaced, what_leaves_the_line_is_spelt_out,
      what_turns_the_line_about_is_spelt_out)
