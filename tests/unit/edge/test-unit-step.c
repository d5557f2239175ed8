/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against a mock of systemd (mock-systemd.h says why), which has one more unit here. */
#include "../../../daemon/edge/helper/unit-step.h"
#include "../suite.h"
#include "step-heard.h"

#define UNIT "viewer.service"
#define UNIT_PATH MOCK_ROOT "/unit/viewer_2eservice"

static const char *load_state, *active_state;
static int transient;
static uint32_t job;

static UnitStep *step;

static int on_unit_property(sd_bus *b, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
    if (g_str_equal(property, "Transient"))
        return sd_bus_message_append(reply, "b", transient);
    if (g_str_equal(property, "Job"))
        return sd_bus_message_append(reply, "(uo)", job, job ? MOCK_ROOT "/job/7" : "/");
    return sd_bus_message_append(reply, "s", g_str_equal(property, "LoadState") ? load_state : active_state);
}

static const sd_bus_vtable unit_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("ActiveState", "s", on_unit_property, 0, 0),
    SD_BUS_PROPERTY("Job", "(uo)", on_unit_property, 0, 0),
    SD_BUS_PROPERTY("LoadState", "s", on_unit_property, 0, 0),
    SD_BUS_PROPERTY("Transient", "b", on_unit_property, 0, 0),
    SD_BUS_VTABLE_END,
};

static void setup(void)
{
    load_state = "loaded";
    active_state = "active";
    transient = 0;
    job = 0;
    systemd_begin(UNIT_PATH, "org.freedesktop.systemd1.Unit", unit_vtable, NULL);
}

static void teardown(void)
{
    step = unit_step_free(step);
    systemd_end();
}

static void begin(const char *before, const char *after)
{
    g_autoptr(Step) wanted = step_new(STEP_UNIT, UNIT, before, after);

    unit_step_free(step);
    step = unit_step_new(event, launcher, wanted, on_answered, NULL);
}

static void until_called(const char *call)
{
    while (!strstr(mock.calls->str, call))
        ck_assert_int_ge(sd_event_run(event, 10 * G_USEC_PER_SEC), 1);
}

START_TEST(a_service_is_stopped_and_that_is_read_back)
{
    begin("active", "inactive");
    until_called("StopUnit " UNIT " replace|");
    ck_assert_int_eq(answers, 0);
    active_state = "inactive";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    until_answered(WORKER_DONE);
    ck_assert_str_eq(live, "inactive");
}
END_TEST

START_TEST(one_that_fails_when_it_ends_has_ended)
{
    begin("active", "inactive");
    until_called("StopUnit");
    active_state = "failed";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    until_answered(WORKER_DONE);
}
END_TEST

START_TEST(one_that_goes_on_all_the_same_is_a_failure)
{
    begin("active", "inactive");
    until_called("StopUnit");
    mock_systemd_end_job(&mock, 1, UNIT, "canceled");
    until_answered(WORKER_FAILED);
    ck_assert_int_eq(error, -EIO);
    ck_assert_str_eq(live, "active");
}
END_TEST

START_TEST(it_is_started_again)
{
    active_state = "inactive";
    begin("inactive", "active");
    until_called("StartUnit " UNIT " replace|");
    active_state = "active";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    until_answered(WORKER_DONE);
}
END_TEST

/* As after a crash of usherd, which had asked for it. */
START_TEST(one_that_is_about_to_start_is_stopped)
{
    active_state = "inactive";
    job = 7;
    begin("active", "inactive");
    until_called("StopUnit " UNIT " replace|");
    ck_assert_int_eq(answers, 0);
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    until_answered(WORKER_DONE);
}
END_TEST

START_TEST(what_somebody_else_has_done_already_is_not_done_again)
{
    active_state = "reloading";
    begin("inactive", "active");
    until_answered(WORKER_DONE);
    ck_assert_ptr_null(strstr(mock.calls->str, "StartUnit"));
}
END_TEST

START_TEST(a_unit_that_is_gone_or_in_between_is_drift)
{
    load_state = "not-found";
    begin("inactive", "active");
    until_answered(WORKER_DRIFT);
    ck_assert_ptr_null(live);

    load_state = "loaded";
    active_state = "deactivating";
    begin("active", "inactive");
    until_answered(WORKER_DRIFT);
    ck_assert_str_eq(live, "deactivating");
}
END_TEST

START_TEST(a_refusal_of_systemds_is_a_failure)
{
    mock.refusal = "Unit is masked.";
    begin("active", "inactive");
    until_answered(WORKER_FAILED);
    ck_assert_str_eq(live, "active");
}
END_TEST

START_TEST(one_that_is_let_go_is_not_heard_of)
{
    begin("active", "inactive");
    step = unit_step_free(step);
    begin("inactive", "active");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answers, 1);
    ck_assert_ptr_null(strstr(mock.calls->str, "StopUnit"));
}
END_TEST

START_TEST(without_systemd_units_are_not_touched)
{
    launcher_free(launcher);
    ck_assert_int_ge(launcher_new_fork(event, "/nowhere", "/nowhere/socket", &launcher), 0);
    begin("active", "inactive");
    until_answered(WORKER_FAILED);
    ck_assert_int_eq(error, -ENOTSUP);
}
END_TEST

SUITE_WITH("unit-step", setup, teardown, a_service_is_stopped_and_that_is_read_back,
           one_that_fails_when_it_ends_has_ended, one_that_goes_on_all_the_same_is_a_failure,
           it_is_started_again, one_that_is_about_to_start_is_stopped,
           what_somebody_else_has_done_already_is_not_done_again, a_unit_that_is_gone_or_in_between_is_drift,
           a_refusal_of_systemds_is_a_failure, one_that_is_let_go_is_not_heard_of,
           without_systemd_units_are_not_touched)
