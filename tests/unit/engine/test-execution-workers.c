/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers that are lost while a plan is carried out or undone, one by one and all of them. */
#include "execution-try.h"

START_TEST(a_worker_lost_at_any_step_of_a_start_is_told_and_all_is_undone)
{
    for (unsigned n = 0; n < 22; n++) {
        A_TRY_OF(build_gpu);
        fake_workers_lose(rig.engine.workers, n / 2, 1, n % 2);
        try_run_on(&try);
        ck_assert_uint_eq(try.ended, 1);
        ck_assert_int_eq(try.fault->kind, FAULT_FAILED);
        ck_assert_msg(g_str_has_prefix(try.fault->message, "usher-bind went away while it set the "), "%s",
                      try.fault->message);
        try_undo_all(&try);
    }
}
END_TEST

/* So many, one after the other, before the write and after it. */
static void assert_replaced(unsigned workers)
{
    for (unsigned n = 0; n < 22; n++) {
        A_TRY_OF(build_gpu);
        try_run_all(&try);
        fake_workers_lose(rig.engine.workers, 11 + n / 2, workers, n % 2);
        try_undo_all(&try);
    }
}

START_TEST(a_worker_lost_at_any_step_of_an_undo_is_replaced)
{
    assert_replaced(1);
}
END_TEST

START_TEST(three_workers_lost_one_after_the_other_at_any_step_of_an_undo_are_replaced)
{
    assert_replaced(3);
}
END_TEST

START_TEST(a_step_of_an_undo_that_kills_every_worker_is_told_and_left)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_workers_lose(rig.engine.workers, 11, FAKE_WORKERS_ALL, false);
    try_undo_on(&try, false);
    ck_assert_uint_eq(try.ended, 1);
    ck_assert_msg(g_str_has_prefix(try.fault->message, "usher-bind went away while it set the "), "%s",
                  try.fault->message);
    fake_workers_lose(rig.engine.workers, 0, 0, false);
    try_undo_all(&try);
}
END_TEST

START_TEST(a_worker_that_does_not_start_keeps_no_device_from_its_return)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_workers_refuse(rig.engine.workers, 3, "it was killed");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_worker_lost_while_it_waits_for_the_guest_is_replaced)
{
    A_TRY_OF(build_gpu);
    try_run(&try, false);
    rig_settle(&rig);
    fake_workers_lose_idle(rig.engine.workers);
    execution_set_guest(try.execution, GUEST_UID, GUEST_UID);
    rig_settle(&rig);
    try_assert_done(&try);
    try_undo_all(&try);
}
END_TEST

START_TEST(workers_that_cannot_be_started_are_told_and_nothing_was_done)
{
    A_TRY_OF(build_gpu);
    fake_workers_refuse(rig.engine.workers, FAKE_WORKERS_ALL, "the unit is masked");
    try_run_on(&try);
    ck_assert_uint_eq(try.ended, 1);
    ck_assert_str_eq(try.fault->message, "cannot start usher-bind: the unit is masked");
    fake_workers_refuse(rig.engine.workers, 0, NULL);
    try_undo_all(&try);
}
END_TEST

SUITE("execution-workers", a_worker_lost_at_any_step_of_a_start_is_told_and_all_is_undone,
      a_worker_lost_at_any_step_of_an_undo_is_replaced,
      three_workers_lost_one_after_the_other_at_any_step_of_an_undo_are_replaced,
      a_step_of_an_undo_that_kills_every_worker_is_told_and_left,
      a_worker_that_does_not_start_keeps_no_device_from_its_return,
      a_worker_lost_while_it_waits_for_the_guest_is_replaced,
      workers_that_cannot_be_started_are_told_and_nothing_was_done)
