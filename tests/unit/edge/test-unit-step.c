/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against a mock of systemd (mock-systemd.h says why), which has one more unit here. */
#include "../../../daemon/edge/helper/unit-step.h"
#include "../suite.h"
#include "loop.h"
#include "mock-systemd.h"

#define UNIT "viewer.service"
#define UNIT_PATH MOCK_ROOT "/unit/viewer_2eservice"

static sd_event *event;
static PrivateBus private;
static MockSystemd mock;
static sd_bus *bus;
static Launcher *launcher;

static const char *load_state, *active_state;
static int transient;

static int answers;
static WorkerVerdict verdict;
static int error;
static char *live;

static int on_unit_property(sd_bus *b, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
    if (g_str_equal(property, "Transient"))
        return sd_bus_message_append(reply, "b", transient);
    return sd_bus_message_append(reply, "s", g_str_equal(property, "LoadState") ? load_state : active_state);
}

static const sd_bus_vtable unit_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("ActiveState", "s", on_unit_property, 0, 0),
    SD_BUS_PROPERTY("LoadState", "s", on_unit_property, 0, 0),
    SD_BUS_PROPERTY("Transient", "b", on_unit_property, 0, 0),
    SD_BUS_VTABLE_END,
};

static void on_answered(const WorkerAnswer *answer, void *userdata)
{
    verdict = answer->verdict;
    error = answer->error;
    g_free(live);
    live = g_strdup(answer->live);
    answers++;
}

static void setup(void)
{
    load_state = "loaded";
    active_state = "active";
    transient = answers = 0;
    ck_assert_int_ge(sd_event_new(&event), 0);
    private_bus_start(&private);
    mock_systemd_start(&mock, &private, event);
    ck_assert_int_ge(sd_bus_add_object_vtable(mock.bus, NULL, UNIT_PATH, "org.freedesktop.systemd1.Unit",
                                              unit_vtable, NULL),
                     0);
    bus = private_bus_connect(&private, event, NULL);
    ck_assert_int_ge(launcher_new_systemd(event, bus, &launcher), 0);
}

static void teardown(void)
{
    launcher_free(launcher);
    mock_systemd_stop(&mock);
    sd_bus_flush_close_unref(bus);
    private_bus_stop(&private);
    sd_event_unref(event);
    g_clear_pointer(&live, g_free);
}

static UnitStep *begin(const char *before, const char *after)
{
    g_autoptr(Step) step = step_new(STEP_UNIT, UNIT, before, after);
    return unit_step_new(event, launcher, step, on_answered, NULL);
}

static void until_called(const char *call)
{
    while (!strstr(mock.calls->str, call))
        ck_assert_int_ge(sd_event_run(event, 10 * G_USEC_PER_SEC), 1);
}

START_TEST(a_service_is_stopped_and_that_is_read_back)
{
    setup();
    UnitStep *step = begin("active", "inactive");
    until_called("StopUnit " UNIT " replace|");
    ck_assert_int_eq(answers, 0);
    active_state = "inactive";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_DONE);
    ck_assert_str_eq(live, "inactive");
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(one_that_fails_when_it_ends_has_ended)
{
    setup();
    UnitStep *step = begin("active", "inactive");
    until_called("StopUnit");
    active_state = "failed";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_DONE);
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(one_that_goes_on_all_the_same_is_a_failure)
{
    setup();
    UnitStep *step = begin("active", "inactive");
    until_called("StopUnit");
    mock_systemd_end_job(&mock, 1, UNIT, "canceled");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_FAILED);
    ck_assert_int_eq(error, -EIO);
    ck_assert_str_eq(live, "active");
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(it_is_started_again)
{
    setup();
    active_state = "inactive";
    UnitStep *step = begin("inactive", "active");
    until_called("StartUnit " UNIT " replace|");
    active_state = "active";
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_DONE);
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(what_somebody_else_has_done_already_is_not_done_again)
{
    setup();
    active_state = "reloading";
    UnitStep *step = begin("inactive", "active");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_DONE);
    ck_assert_ptr_null(strstr(mock.calls->str, "StartUnit"));
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(a_unit_that_is_gone_or_in_between_is_drift)
{
    setup();
    load_state = "not-found";
    UnitStep *step = begin("inactive", "active");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_DRIFT);
    ck_assert_ptr_null(live);
    unit_step_free(step);

    load_state = "loaded";
    active_state = "deactivating";
    step = begin("active", "inactive");
    loop_until_count(event, &answers, 2);
    ck_assert_int_eq(verdict, WORKER_DRIFT);
    ck_assert_str_eq(live, "deactivating");
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(a_refusal_of_systemds_is_a_failure)
{
    setup();
    mock.refusal = "Unit is masked.";
    UnitStep *step = begin("active", "inactive");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_FAILED);
    ck_assert_str_eq(live, "active");
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(one_that_is_let_go_is_not_heard_of)
{
    setup();
    unit_step_free(begin("active", "inactive"));
    UnitStep *step = begin("inactive", "active");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answers, 1);
    ck_assert_ptr_null(strstr(mock.calls->str, "StopUnit"));
    unit_step_free(step);
    teardown();
}
END_TEST

START_TEST(without_systemd_units_are_not_touched)
{
    ck_assert_int_ge(sd_event_new(&event), 0);
    answers = 0;
    ck_assert_int_ge(launcher_new_fork(event, "/nowhere", "/nowhere/socket", &launcher), 0);
    UnitStep *step = begin("active", "inactive");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(verdict, WORKER_FAILED);
    ck_assert_int_eq(error, -ENOTSUP);
    unit_step_free(step);
    launcher_free(launcher);
    sd_event_unref(event);
}
END_TEST

SUITE("unit-step", a_service_is_stopped_and_that_is_read_back, one_that_fails_when_it_ends_has_ended,
      one_that_goes_on_all_the_same_is_a_failure, it_is_started_again,
      what_somebody_else_has_done_already_is_not_done_again, a_unit_that_is_gone_or_in_between_is_drift,
      a_refusal_of_systemds_is_a_failure, one_that_is_let_go_is_not_heard_of,
      without_systemd_units_are_not_touched)
