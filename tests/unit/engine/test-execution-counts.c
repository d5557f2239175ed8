/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages are a number that others change too: what a guest added is taken away, however many there are
 * then. */
#include <string.h>

#include "../../../daemon/engine/execution/execution.h"
#include "rig.h"

typedef struct Try {
    Rig *rig;
    Journal *journal;
    Execution *execution;
    unsigned ended;
    Fault *fault;
} Try;

static void on_ended(Execution *execution, const Fault *fault, void *userdata)
{
    Try *try = userdata;

    try->ended++;
    try->fault = fault_copy(fault);
    try->execution = execution_free(execution);
}

static const ExecutionHandler handler = {NULL, on_ended, NULL};

static void try_free(Try *try)
{
    execution_free(try->execution);
    journal_close(try->journal);
    fault_free(try->fault);
}

#define A_TRY(name, rig, owner)                                                                              \
    __attribute__((cleanup(try_free))) Try name = {rig, rig_journal(rig, owner), NULL, 0, NULL}

static void run(Try *try)
{
    g_autoptr(Plan) plan = rig_plan(try->rig);

    try->execution = execution_run(&try->rig->engine, try->journal, plan->steps, &handler, try);
    execution_set_guest(try->execution, GUEST_UID, GUEST_UID);
}

static void undo(Try *try)
{
    try->fault = fault_free(try->fault);
    try->execution = execution_undo(&try->rig->engine, try->journal, false, &handler, try);
    rig_settle(try->rig);
    ck_assert_msg(!try->fault, "%s", try->fault ? try->fault->message : "");
}

static const char *build_pages_alone(FakeHost *host)
{
    fake_host_add_node(host, 0, 7, 100);
    return "[Memory]\nSize=64M\nHugePages=2M\n";
}

START_TEST(missing_pages_are_made_and_unmade)
{
    A_RIG(build_pages_alone);
    A_TRY(try, &rig, OWNER);
    run(&try);
    rig_settle(&rig);
    /* 32 are wanted, and 7 were there and free. */
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 32);
    undo(&try);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 7);
}
END_TEST

START_TEST(pages_that_somebody_else_made_meanwhile_stay)
{
    A_RIG(build_pages_alone);
    A_TRY(try, &rig, OWNER);
    run(&try);
    fake_host_set_huge_pages(rig.host, 0, 9);
    rig_settle(&rig);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 9 + 25);
    fake_host_set_huge_pages(rig.host, 0, 40);
    undo(&try);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 40 - 25);
}
END_TEST

START_TEST(pages_that_somebody_else_unmade_are_not_missed)
{
    A_RIG(build_pages_alone);
    A_TRY(try, &rig, OWNER);
    run(&try);
    rig_settle(&rig);
    fake_host_set_huge_pages(rig.host, 0, 3);
    undo(&try);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 0);
}
END_TEST

START_TEST(two_guests_take_away_what_each_added)
{
    A_RIG(build_pages_alone);
    A_TRY(one, &rig, OWNER);
    A_TRY(two, &rig, "guest/other");
    run(&one);
    run(&two);
    rig_settle(&rig);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 7 + 2 * 25);
    undo(&one);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 7 + 25);
    undo(&two);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 7);
}
END_TEST

static const char *build_short(FakeHost *host)
{
    fake_host_add_node(host, 0, 7, 20);
    return "[Memory]\nSize=64M\nHugePages=2M\n";
}

START_TEST(a_shortfall_is_told_in_numbers_and_given_back)
{
    A_RIG(build_short);
    A_TRY(try, &rig, OWNER);
    run(&try);
    rig_settle(&rig);
    ck_assert_ptr_nonnull(try.fault);
    ck_assert_str_eq(try.fault->message,
                     "node0/2048kB: the host could make only 13 of the 25 huge pages that are "
                     "missing: its memory is used or fragmented");
    ck_assert_ptr_nonnull(strstr(try.fault->remedy, "hugepagesz=2048kB hugepages=25"));
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 20);
    undo(&try);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 7);
}
END_TEST

START_TEST(what_nobody_can_tell_apart_is_the_host_s)
{
    A_RIG(build_pages_alone);
    A_TRY(try, &rig, OWNER);
    g_autoptr(Step) step = step_new(STEP_HUGE_PAGES, "node0/2048kB", "7", "32");

    /* The daemon died in between, and before it came again somebody set another number. */
    ck_assert_int_eq(journal_write(try.journal, JOURNAL_BEGIN, 0, step), 0);
    fake_host_set_huge_pages(rig.host, 0, 50);
    undo(&try);
    ck_assert_uint_eq(fake_host_huge_pages(rig.host, 0), 50);
}
END_TEST

SUITE("execution-counts", missing_pages_are_made_and_unmade, pages_that_somebody_else_made_meanwhile_stay,
      pages_that_somebody_else_unmade_are_not_missed, two_guests_take_away_what_each_added,
      a_shortfall_is_told_in_numbers_and_given_back, what_nobody_can_tell_apart_is_the_host_s)
