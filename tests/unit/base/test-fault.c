/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdlib.h>

#include "../../../daemon/base/fault.h"
#include "../suite.h"

START_TEST(each_kind_has_a_name_of_its_own_that_leads_back_to_it)
{
    for (int kind = 0; kind < FAULT_KIND_MAX; kind++) {
        ck_assert_ptr_nonnull(fault_kind_to_string(kind));
        ck_assert_int_eq(fault_kind_from_string(fault_kind_to_string(kind)), kind);
    }
    ck_assert_int_eq(fault_kind_from_string("NoSuchKind"), FAULT_KIND_INVALID);
}
END_TEST

START_TEST(raising_a_fault_says_so_and_sets_it)
{
    _cleanup_fault_ Fault *fault = NULL;

    ck_assert_int_eq(fault_raise(&fault, FAULT_IN_USE, "stop it first", "%s is claimed", "0000:01:00.0"),
                     FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_IN_USE);
    ck_assert_str_eq(fault->message, "0000:01:00.0 is claimed");
    ck_assert_str_eq(fault->remedy, "stop it first");
}
END_TEST

START_TEST(a_fault_that_nobody_wants_is_raised_all_the_same)
{
    ck_assert_int_eq(fault_raise(NULL, FAULT_FAILED, NULL, "nobody listens"), FAULT_RAISED);
}
END_TEST

START_TEST(the_remedy_follows_the_message_on_one_line)
{
    _cleanup_fault_ Fault *with = fault_new(FAULT_FAILED, "try again", "it broke");
    _cleanup_fault_ Fault *without = fault_new(FAULT_FAILED, NULL, "it broke");
    g_autofree char *line = fault_to_line(with), *short_line = fault_to_line(without);

    ck_assert_str_eq(line, "it broke; try again");
    ck_assert_str_eq(short_line, "it broke");
}
END_TEST

START_TEST(a_copy_lives_on_without_what_it_was_copied_from)
{
    Fault *original = fault_new(FAULT_DRIFT, "look", "100%% sure");
    _cleanup_fault_ Fault *copy = fault_copy(original);

    fault_free(original);
    ck_assert_str_eq(copy->message, "100% sure");
    ck_assert_ptr_null(fault_copy(NULL));
    ck_assert_ptr_null(fault_free(NULL));
}
END_TEST

SUITE("fault", each_kind_has_a_name_of_its_own_that_leads_back_to_it, raising_a_fault_says_so_and_sets_it,
      a_fault_that_nobody_wants_is_raised_all_the_same, the_remedy_follows_the_message_on_one_line,
      a_copy_lives_on_without_what_it_was_copied_from)
