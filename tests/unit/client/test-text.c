/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "../../../client/screen/text.h"
#include "../suite.h"

START_TEST(wide_characters_take_two_columns_and_combining_ones_none)
{
    ck_assert_uint_eq(text_width("radeon"), 6);
    ck_assert_uint_eq(text_width("日本"), 4);
    ck_assert_uint_eq(text_width("e\xcc\x81t\xc3\xa9"), 3);
    ck_assert_uint_eq(text_width(""), 0);
}
END_TEST

static void assert_fits(const char *text, size_t width, const char *expected)
{
    g_autofree char *fitting = text_fit(text, width);

    ck_assert_str_eq(fitting, expected);
    ck_assert_uint_le(text_width(fitting), width);
}

START_TEST(a_text_that_fits_is_left_alone_and_a_longer_one_ends_in_an_ellipsis)
{
    assert_fits("radeon", 6, "radeon");
    assert_fits("radeon", 5, "rade…");
    assert_fits("radeon", 1, "…");
    assert_fits("radeon", 0, "");
}
END_TEST

START_TEST(a_wide_character_is_not_cut_in_half)
{
    assert_fits("日本語", 5, "日本…");
    assert_fits("日本語", 4, "日…");
}
END_TEST

static void assert_printable(const char *text, bool keep_lines, const char *expected)
{
    g_autofree char *printable = text_printable(text, keep_lines);

    ck_assert_str_eq(printable, expected);
}

START_TEST(control_characters_of_both_sets_are_replaced)
{
    assert_printable("a\x1b[31mb\x7f", false, "a?[31mb?");
    assert_printable("a\xc2\x9b"
                     "31m",
                     false, "a?31m");
    assert_printable("tab\there", false, "tab here");
    assert_printable("日本 é…", false, "日本 é…");
}
END_TEST

START_TEST(newlines_stay_only_if_they_may)
{
    assert_printable("one\ntwo\r\n", true, "one\ntwo?\n");
    assert_printable("one\ntwo", false, "one?two");
}
END_TEST

START_TEST(what_is_not_utf8_becomes_so)
{
    g_autofree char *printable = text_printable("a\xff\xfe", false);

    ck_assert(g_utf8_validate(printable, -1, NULL));
    ck_assert_int_eq(printable[0], 'a');
}
END_TEST

static void assert_key(const char *property, const char *expected)
{
    g_autofree char *key = text_to_key(property);

    ck_assert_str_eq(key, expected);
}

START_TEST(property_names_become_keys)
{
    assert_key("Name", "name");
    assert_key("LastWords", "last_words");
    assert_key("BootVga", "boot_vga");
}
END_TEST

START_TEST(the_nearest_word_bears_swaps_slips_and_beginnings)
{
    static const char *const verbs[] = {"start", "status", "stop", "devices", "validate", NULL};

    ck_assert_str_eq(text_nearest("strat", verbs), "start");
    ck_assert_str_eq(text_nearest("stpo", verbs), "stop");
    ck_assert_str_eq(text_nearest("device", verbs), "devices");
    ck_assert_str_eq(text_nearest("valid", verbs), "validate");
    ck_assert_str_eq(text_nearest("statuss", verbs), "status");
}
END_TEST

START_TEST(a_word_that_is_far_from_all_gets_no_hint)
{
    static const char *const verbs[] = {"start", "status", "stop", NULL};
    static const char *const none[] = {NULL};

    ck_assert_ptr_null(text_nearest("frobnicate", verbs));
    ck_assert_ptr_null(text_nearest("x", verbs));
    ck_assert_ptr_null(text_nearest("", verbs));
    ck_assert_ptr_null(text_nearest("start", none));
}
END_TEST

static char *in_utc(uint64_t since, uint64_t now)
{
    setenv("TZ", "UTC", 1);
    return text_since(since, now);
}

static void assert_age(uint64_t seconds, const char *expected)
{
    uint64_t since = 1700000000 * (uint64_t)G_USEC_PER_SEC;
    g_autofree char *text = in_utc(since, since + seconds * G_USEC_PER_SEC);
    g_autofree char *all = g_strdup_printf("Tue 2023-11-14 22:13:20 UTC; %s ago", expected);

    ck_assert_str_eq(text, all);
}

START_TEST(an_age_is_told_in_its_two_largest_units)
{
    assert_age(0, "0s");
    assert_age(59, "59s");
    assert_age(60, "1min 0s");
    assert_age(2 * 3600 + 3 * 60 + 4, "2h 3min");
    assert_age(86400 + 3600, "1d 1h");
}
END_TEST

START_TEST(a_clock_that_was_set_back_shows_no_age)
{
    uint64_t since = 1700000000 * (uint64_t)G_USEC_PER_SEC;
    g_autofree char *text = in_utc(since, since - 1);

    ck_assert_str_eq(text, "Tue 2023-11-14 22:13:20 UTC");
}
END_TEST

SUITE("client-text", wide_characters_take_two_columns_and_combining_ones_none,
      a_text_that_fits_is_left_alone_and_a_longer_one_ends_in_an_ellipsis,
      a_wide_character_is_not_cut_in_half, control_characters_of_both_sets_are_replaced,
      newlines_stay_only_if_they_may, what_is_not_utf8_becomes_so, property_names_become_keys,
      the_nearest_word_bears_swaps_slips_and_beginnings, a_word_that_is_far_from_all_gets_no_hint,
      an_age_is_told_in_its_two_largest_units, a_clock_that_was_set_back_shows_no_age)
