/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group bound by hand while somebody uses it. */
#include <string.h>

#include "hold-try.h"

#define GPU "0000:01:00.0"
#define NVME "0000:04:00.0"
#define UNIT "sunshine.service"

/* unit: what may be stopped, or NULL. */
static void begin(Try *try, const char *unit)
{
    begin_bind(try, GPU, unit);
}

static void bind(Try *try, const char *unit)
{
    begin(try, unit);
    rig_settle(try->rig);
}

static void hold_by(Rig *rig, const char *unit)
{
    fake_workers_find_holder(rig->engine.workers,
                             holder_new(HOLDER_FILE, GPU, "/dev/dri/card1", 812, "sunshine", unit, NULL));
}

static void assert_refused(Try *try, FaultKind kind, const char *words)
{
    ck_assert_ptr_null(try->hold);
    ck_assert_uint_eq(try->rested, 1);
    ck_assert_int_eq(try->job->fault->kind, kind);
    ck_assert_msg(strstr(try->job->fault->message, words), "%s", try->job->fault->message);
    ck_assert_uint_eq(fake_workers_steps(try->rig->engine.workers), 0);
    rig_assert_restored(try->rig);
}

START_TEST(a_device_in_use_is_refused_before_the_first_step)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, "session-2.scope");
    bind(&try, NULL);
    ck_assert_str_eq(try.job->result, "refused");
    assert_refused(&try, FAULT_IN_USE,
                   "sunshine (pid 812, session-2.scope) has /dev/dri/card1 of " GPU " open");
}
END_TEST

START_TEST(where_nobody_can_look_nothing_is_taken)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    fake_workers_fail_look(rig.engine.workers, -EACCES);
    bind(&try, NULL);
    assert_refused(&try, FAULT_FAILED, "cannot find out who uses");
}
END_TEST

START_TEST(without_a_worker_nothing_is_taken)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    fake_workers_refuse(rig.engine.workers, FAKE_WORKERS_ALL, "no memory");
    bind(&try, NULL);
    assert_refused(&try, FAULT_FAILED, "cannot find out who uses");
}
END_TEST

START_TEST(a_service_is_stopped_while_the_device_is_away)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, UNIT);
    fake_launcher_unit(rig.engine.launcher, UNIT, "active", false, false);
    bind(&try, UNIT);
    ck_assert_str_eq(try.job->result, "done");
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, UNIT), "inactive");
    g_autoptr(GPtrArray) way_back = hold_plan_restore(try.hold);
    g_autofree char *last = step_describe(g_ptr_array_index(way_back, way_back->len - 1));
    ck_assert_str_eq(last, "unit of " UNIT ": inactive → active");

    job_free(try.job);
    try.job = job_new(2, JOB_RESTORE, GPU);
    hold_restore(try.hold, try.job);
    rig_settle(&rig);
    ck_assert_str_eq(try.job->result, "done");
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, UNIT), "active");
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_service_that_is_not_named_goes_on)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, UNIT);
    fake_launcher_unit(rig.engine.launcher, UNIT, "active", false, false);
    bind(&try, "other.service");
    assert_refused(&try, FAULT_IN_USE, UNIT);
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, UNIT), "active");
}
END_TEST

START_TEST(a_unit_without_a_file_goes_on)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, UNIT);
    fake_launcher_unit(rig.engine.launcher, UNIT, "active", true, false);
    bind(&try, UNIT);
    assert_refused(&try, FAULT_IN_USE, UNIT " has no unit file");
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, UNIT), "active");
}
END_TEST

START_TEST(a_service_that_does_not_stop_ends_the_bind)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, UNIT);
    fake_launcher_unit(rig.engine.launcher, UNIT, "active", false, true);
    bind(&try, UNIT);
    ck_assert_str_eq(try.job->result, "failed");
    assert_refused(&try, FAULT_FAILED, "systemd took the request, but did not do it");
}
END_TEST

START_TEST(a_bind_that_fails_later_starts_the_service_again)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    hold_by(&rig, UNIT);
    fake_launcher_unit(rig.engine.launcher, UNIT, "active", false, false);
    fake_workers_fail(rig.engine.workers, 3, EBUSY);
    bind(&try, UNIT);
    ck_assert_str_eq(try.job->result, "failed");
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, UNIT), "active");
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(one_that_goes_away_while_it_is_asked_leaves_nothing)
{
    for (unsigned turns = 0; turns < 6; turns++) {
        A_RIG(build_gpu);
        A_TRY(try, &rig);
        hold_by(&rig, UNIT);
        fake_launcher_unit(rig.engine.launcher, UNIT, "active", false, false);
        begin(&try, NULL);
        for (unsigned i = 0; i < turns; i++)
            rig_turn(&rig);
        try.hold = hold_free(try.hold);
        rig_settle(&rig);
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
        rig_assert_host(&rig, rig.beginning);
    }
}
END_TEST

START_TEST(a_bind_asks_the_kernel)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    bind(&try, NULL);
    ck_assert_uint_eq(fake_workers_claims(rig.engine.workers), 1);
}
END_TEST

static const char *build_disk(FakeHost *host)
{
    fake_host_add_disk(host, NVME, NULL, 20, "nvme0n1");
    return "[PCI disk]\nAddress=" NVME "\n";
}

/* Between the look and the step somebody imports a pool. */
START_TEST(a_disk_that_is_used_since_the_look_ends_the_bind)
{
    A_RIG(build_disk);
    A_TRY(try, &rig);
    fake_host_claim_disk(rig.host, "nvme0n1p1");
    begin_bind(&try, NVME, NULL);
    rig_settle(&rig);
    ck_assert_ptr_null(try.hold);
    ck_assert_int_eq(try.job->fault->kind, FAULT_IN_USE);
    ck_assert_str_eq(try.job->fault->message, "nvme0n1p1 of " NVME " is in use by the kernel");
    rig_assert_restored(&rig);
}
END_TEST

SUITE("hold-holders", a_bind_asks_the_kernel, a_disk_that_is_used_since_the_look_ends_the_bind,
      a_device_in_use_is_refused_before_the_first_step, where_nobody_can_look_nothing_is_taken,
      without_a_worker_nothing_is_taken, a_service_is_stopped_while_the_device_is_away,
      a_service_that_is_not_named_goes_on, a_unit_without_a_file_goes_on,
      a_service_that_does_not_stop_ends_the_bind, a_bind_that_fails_later_starts_the_service_again,
      one_that_goes_away_while_it_is_asked_leaves_nothing)
