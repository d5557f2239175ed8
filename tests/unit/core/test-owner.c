/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../daemon/core/record/owner.h"
#include "../suite.h"

START_TEST(an_owner_is_a_guest_or_a_device_that_was_bound)
{
    ck_assert_str_eq(OWNER_GUEST("win10"), "guest/win10");
    ck_assert_str_eq(owner_guest("guest/win10"), "win10");
    ck_assert_ptr_null(owner_bind("guest/win10"));
    ck_assert_str_eq(OWNER_BIND("0000:01:00.0"), "bind/0000:01:00.0");
    ck_assert_str_eq(owner_bind("bind/0000:01:00.0"), "0000:01:00.0");
    ck_assert_ptr_null(owner_guest("bind/0000:01:00.0"));
    ck_assert_str_eq(owner_name("guest/win10"), "win10");
    ck_assert_str_eq(owner_name("bind/0000:01:00.0"), "0000:01:00.0");
}
END_TEST

START_TEST(what_is_none_has_no_name_and_no_journal)
{
    static const char *const none[] = {"guest/", "guest", "guests/win10", "", "/win10"};

    ck_assert_ptr_null(owner_guest(NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
        ck_assert_ptr_null(owner_name(none[i]));
        ck_assert_ptr_null(owner_to_file(none[i]));
    }
    ck_assert_ptr_null(owner_to_file("guest/../win10"));
}
END_TEST

START_TEST(a_name_that_is_too_long_is_cut)
{
    g_autofree char *name = g_strnfill(OWNER_TEXT_MAX, 'a');

    ck_assert_uint_eq(strlen(OWNER_GUEST(name)), OWNER_TEXT_MAX - 1);
}
END_TEST

START_TEST(the_name_of_a_journal_leads_back_to_its_owner)
{
    static const char *const owners[] = {"guest/win10", "guest/a-b", "bind/0000:01:00.0"};
    static const char *const files[] = {"guest-win10", "guest-.journal", "win10.journal",
                                        "guest-win10.journal~"};

    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++) {
        g_autofree char *file = owner_to_file(owners[i]), *back = owner_from_file(file);
        ck_assert_str_eq(back, owners[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        ck_assert_ptr_null(owner_from_file(files[i]));
}
END_TEST

SUITE("owner", an_owner_is_a_guest_or_a_device_that_was_bound, what_is_none_has_no_name_and_no_journal,
      a_name_that_is_too_long_is_cut, the_name_of_a_journal_leads_back_to_its_owner)
