/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../../daemon/core/plan/disk-claims.h"
#include "../suite.h"

START_TEST(one_may_write_or_many_may_read)
{
    DiskClaims *claims = disk_claims_new();
    ck_assert_ptr_null(disk_claims_take(claims, "b8:16", true, "a"));
    ck_assert_str_eq(disk_claims_take(claims, "b8:16", true, "b"), "a");
    ck_assert_str_eq(disk_claims_take(claims, "b8:16", false, "b"), "a");
    ck_assert_ptr_null(disk_claims_take(claims, "f8:1:5", false, "a"));
    ck_assert_ptr_null(disk_claims_take(claims, "f8:1:5", false, "b"));
    ck_assert_str_eq(disk_claims_take(claims, "f8:1:5", true, "c"), "a");
    disk_claims_free(claims);
}
END_TEST

START_TEST(a_guest_does_not_stand_in_its_own_way)
{
    DiskClaims *claims = disk_claims_new();
    ck_assert_ptr_null(disk_claims_take(claims, "b8:16", true, "a"));
    ck_assert_ptr_null(disk_claims_take(claims, "b8:16", true, "a"));
    ck_assert_ptr_null(disk_claims_other(claims, "b8:16", "a"));
    ck_assert_str_eq(disk_claims_other(claims, "b8:16", "b"), "a");
    disk_claims_free(claims);
}
END_TEST

START_TEST(a_look_takes_nothing)
{
    DiskClaims *claims = disk_claims_new();
    ck_assert_ptr_null(disk_claims_against(claims, "b8:16", true, "a"));
    ck_assert_ptr_null(disk_claims_take(claims, "b8:16", false, "b"));
    ck_assert_str_eq(disk_claims_against(claims, "b8:16", true, "a"), "b");
    ck_assert_ptr_null(disk_claims_against(claims, "b8:16", false, "a"));
    ck_assert_ptr_null(disk_claims_against(claims, "b8:16", true, "b"));
    disk_claims_free(claims);
}
END_TEST

START_TEST(what_is_given_up_is_free)
{
    DiskClaims *claims = disk_claims_new();
    disk_claims_take(claims, "b8:16", true, "a");
    disk_claims_take(claims, "b8:32", true, "b");
    disk_claims_take(claims, "b8:48", true, "a");
    disk_claims_give_up(claims, "a");
    ck_assert_ptr_null(disk_claims_take(claims, "b8:16", true, "c"));
    ck_assert_ptr_null(disk_claims_take(claims, "b8:48", true, "c"));
    ck_assert_str_eq(disk_claims_take(claims, "b8:32", true, "c"), "b");
    disk_claims_free(claims);
}
END_TEST

SUITE("disk-claims", one_may_write_or_many_may_read, a_guest_does_not_stand_in_its_own_way,
      a_look_takes_nothing, what_is_given_up_is_free)
