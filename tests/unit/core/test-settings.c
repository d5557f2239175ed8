/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/definition/settings.h"
#include "../suite.h"

#define SECOND UINT64_C(1000000)

static int parse(const char *text, Settings *ret, Fault **ret_fault)
{
    DefinitionText one = {.path = "usherd.conf", .text = text, .size = strlen(text)};

    return settings_parse(&one, 1, ret, ret_fault);
}

static void assert_refused(const char *text, const char *line)
{
    _cleanup_fault_ Fault *fault = NULL;
    Settings settings = {.slow_usec = 7};

    ck_assert_int_eq(parse(text, &settings, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_BAD_DEFINITION);
    g_autofree char *said = fault_to_line(fault);
    ck_assert_str_eq(said, line);
    ck_assert_uint_eq(settings.slow_usec, 7);
}

START_TEST(without_a_word_a_step_is_slow_after_10_s_and_stuck_after_90)
{
    Settings settings = settings_default();

    ck_assert_uint_eq(settings.slow_usec, 10 * SECOND);
    ck_assert_uint_eq(settings.stuck_usec, 90 * SECOND);
    ck_assert_int_eq(settings_parse(NULL, 0, &settings, NULL), 0);
    ck_assert_uint_eq(settings.stuck_usec, 90 * SECOND);
}
END_TEST

START_TEST(a_drop_in_overrides_the_file_and_an_empty_value_gives_the_default_back)
{
    const char *first = "[Usherd]\nSlowSec=3\nStuckSec=5min\n", *second = "# later\n[Usherd]\nStuckSec=\n";
    DefinitionText texts[] = {{"a", first, strlen(first)}, {"b", second, strlen(second)}};
    Settings settings;

    ck_assert_int_eq(settings_parse(texts, 2, &settings, NULL), 0);
    ck_assert_uint_eq(settings.slow_usec, 3 * SECOND);
    ck_assert_uint_eq(settings.stuck_usec, 90 * SECOND);
}
END_TEST

START_TEST(a_mistake_is_told_with_file_line_and_what_was_meant)
{
    assert_refused("[Usherd]\n\nStukSec=5\n",
                   "usherd.conf:3: [Usherd] StukSec= is not known; did you mean StuckSec=?");
    assert_refused("[Guest]\n", "usherd.conf:1: [Guest] is not known; the section is [Usherd]");
    assert_refused("[Usherd x]\n", "usherd.conf:1: [Usherd x] is not known; the section is [Usherd]");
    assert_refused("[Usherd]\nColour=red\n",
                   "usherd.conf:2: [Usherd] Colour= is not known; [Usherd] has AllowQemuArguments= SlowSec= StuckSec=");
    assert_refused(
        "[Usherd]\nSlowSec=soon\n",
        "usherd.conf:2: [Usherd] SlowSec=soon is not a time such as 90, 90s, 2min or 500ms, at most "
        "24h, at least 1s");
    assert_refused("[Usherd]\nSlowSec=0\n",
                   "usherd.conf:2: [Usherd] SlowSec=0 is not a time such as 90, 90s, 2min or 500ms, at most "
                   "24h, at least 1s");
}
END_TEST

START_TEST(arguments_for_qemu_are_off_until_they_are_switched_on)
{
    Settings settings = settings_default();

    ck_assert(!settings.allow_qemu_arguments);
    ck_assert_int_eq(parse("[Usherd]\nAllowQemuArguments=yes\n", &settings, NULL), 0);
    ck_assert(settings.allow_qemu_arguments);
    assert_refused("[Usherd]\nAllowQemuArguments=perhaps\n",
                   "usherd.conf:2: [Usherd] AllowQemuArguments=perhaps is not yes or no");
}
END_TEST

START_TEST(what_is_stuck_before_it_is_slow_is_a_mistake)
{
    assert_refused("[Usherd]\nStuckSec=5\n", "usherd.conf:2: [Usherd] SlowSec= is longer than StuckSec=; "
                                             "raise StuckSec=, or lower SlowSec=");
}
END_TEST

SUITE("settings", without_a_word_a_step_is_slow_after_10_s_and_stuck_after_90,
      a_drop_in_overrides_the_file_and_an_empty_value_gives_the_default_back,
      a_mistake_is_told_with_file_line_and_what_was_meant, arguments_for_qemu_are_off_until_they_are_switched_on,
      what_is_stuck_before_it_is_slow_is_a_mistake)
