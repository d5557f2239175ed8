/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/plan/claims.h"
#include "../suite.h"

static GArray *groups_of(int first, int second)
{
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_val(groups, first);
    g_array_append_val(groups, second);
    return groups;
}

START_TEST(a_group_has_no_owner_until_it_is_taken)
{
    g_autoptr(Claims) claims = claims_new();
    ck_assert_ptr_null(claims_owner(claims, 0));
    ck_assert(claims_take(claims, 0, "guest/win10"));
    ck_assert_str_eq(claims_owner(claims, 0), "guest/win10");
    ck_assert_ptr_null(claims_owner(claims, 1));
}
END_TEST

START_TEST(nobody_takes_what_another_has)
{
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "guest/win10"));
    ck_assert(!claims_take(claims, 12, "guest/linux"));
    ck_assert_str_eq(claims_owner(claims, 12), "guest/win10");
}
END_TEST

START_TEST(taking_twice_is_fine_for_the_owner)
{
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 12, "guest/win10"));
    ck_assert(claims_take(claims, 12, "guest/win10"));
}
END_TEST

START_TEST(all_or_none_of_several_groups_are_taken)
{
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) groups = groups_of(12, 13);
    ck_assert(claims_take(claims, 13, "guest/other"));
    ck_assert(!claims_take_all(claims, groups, "guest/win10"));
    ck_assert_ptr_null(claims_owner(claims, 12));
    ck_assert_str_eq(claims_owner(claims, 13), "guest/other");

    claims_give_up(claims, "guest/other");
    ck_assert(claims_take_all(claims, groups, "guest/win10"));
    ck_assert_str_eq(claims_owner(claims, 12), "guest/win10");
    ck_assert_str_eq(claims_owner(claims, 13), "guest/win10");
}
END_TEST

START_TEST(giving_up_leaves_the_claims_of_others)
{
    g_autoptr(Claims) claims = claims_new();
    ck_assert(claims_take(claims, 1, "guest/a"));
    ck_assert(claims_take(claims, 2, "guest/b"));
    ck_assert(claims_take(claims, 3, "guest/a"));
    claims_give_up(claims, "guest/a");
    ck_assert_ptr_null(claims_owner(claims, 1));
    ck_assert_str_eq(claims_owner(claims, 2), "guest/b");
    ck_assert_ptr_null(claims_owner(claims, 3));
    claims_give_up(claims, "guest/a");
    claims_give_up(claims, "guest/never-heard-of");
    ck_assert_str_eq(claims_owner(claims, 2), "guest/b");
}
END_TEST

START_TEST(the_owners_name_is_copied)
{
    g_autoptr(Claims) claims = claims_new();
    char owner[] = "guest/win10";
    ck_assert(claims_take(claims, 1, owner));
    owner[0] = 'x';
    ck_assert_str_eq(claims_owner(claims, 1), "guest/win10");
    ck_assert_ptr_null(claims_free(NULL));
}
END_TEST

START_TEST(everything_can_be_given_up_by_the_name_that_the_table_lent)
{
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) groups = groups_of(1, 2);
    ck_assert(claims_take_all(claims, groups, "guest/win10"));
    claims_give_up(claims, claims_owner(claims, 1));
    ck_assert_ptr_null(claims_owner(claims, 1));
    ck_assert_ptr_null(claims_owner(claims, 2));
}
END_TEST

START_TEST(a_host_cpu_has_one_owner)
{
    g_autoptr(Claims) claims = claims_new();
    unsigned numbers[] = {2, 3};
    g_autoptr(GArray) both = g_array_new(FALSE, FALSE, sizeof(unsigned)),
                      last = g_array_new(FALSE, FALSE, sizeof(unsigned));

    g_array_append_vals(both, numbers, 2);
    g_array_append_vals(last, numbers + 1, 1);
    ck_assert(claims_take_cpus(claims, last, "guest/other"));
    ck_assert(!claims_take_cpus(claims, both, "guest/win10"));
    ck_assert_ptr_null(claims_cpu_owner(claims, 2));
    claims_give_up(claims, "guest/other");
    ck_assert(claims_take_cpus(claims, both, "guest/win10"));
    ck_assert(claims_take_cpus(claims, both, "guest/win10"));
    ck_assert_str_eq(claims_cpu_owner(claims, 3), "guest/win10");
    /* Group 3 is something else. */
    ck_assert_ptr_null(claims_owner(claims, 3));
}
END_TEST

START_TEST(what_is_not_kept_is_given_up)
{
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) groups = groups_of(12, 14);
    ck_assert(claims_take(claims, 12, "guest/win10"));
    ck_assert(claims_take(claims, 13, "guest/win10"));
    ck_assert(claims_take(claims, 15, "guest/other"));
    claims_keep(claims, groups, "guest/win10");
    ck_assert_str_eq(claims_owner(claims, 12), "guest/win10");
    ck_assert_ptr_null(claims_owner(claims, 13));
    ck_assert_ptr_null(claims_owner(claims, 14));
    ck_assert_str_eq(claims_owner(claims, 15), "guest/other");
}
END_TEST

START_TEST(several_lean_on_a_group_that_nobody_takes_meanwhile)
{
    g_autoptr(Claims) claims = claims_new();
    g_autoptr(GArray) groups = groups_of(12, 14);
    claims_lean(claims, groups, "guest/a");
    claims_lean(claims, groups, "guest/b");
    ck_assert_ptr_null(claims_owner(claims, 12));
    ck_assert(!claims_take(claims, 12, "bind/0000:01:00.0"));
    ck_assert(!claims_take(claims, 12, "guest/a"));
    ck_assert_str_eq(claims_leaning(claims, 14, "guest/b"), "guest/a");
    claims_give_up(claims, "guest/b");
    ck_assert_ptr_null(claims_leaning(claims, 12, "guest/a"));
    ck_assert(claims_take(claims, 12, "guest/a"));
    claims_give_up(claims, "guest/a");
    ck_assert(claims_take(claims, 14, "bind/0000:01:00.0"));
}
END_TEST

SUITE("claims", several_lean_on_a_group_that_nobody_takes_meanwhile, what_is_not_kept_is_given_up,
      a_group_has_no_owner_until_it_is_taken, nobody_takes_what_another_has,
      taking_twice_is_fine_for_the_owner, all_or_none_of_several_groups_are_taken,
      giving_up_leaves_the_claims_of_others, the_owners_name_is_copied,
      everything_can_be_given_up_by_the_name_that_the_table_lent, a_host_cpu_has_one_owner)
