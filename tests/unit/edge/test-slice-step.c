/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against a mock of systemd (mock-systemd.h says why), which has a slice here that the fake host's kernel
 * limits. */
#include "../../../daemon/core/host/cpu-list.h"
#include "../../../daemon/edge/helper/slice-step.h"
#include "../fake-host.h"
#include "../suite.h"
#include "step-heard.h"

#define UNIT "system.slice"
#define UNIT_PATH MOCK_ROOT "/unit/system_2eslice"

static FakeHost *host;
static GQueue *turns;

static uint8_t allowed[4], effective[4]; /* one bit a CPU; only zeroes: an empty array */
static bool obeys;
static GString *sets; /* what was set, "0-3|" */

static int on_cpus(sd_bus *b, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
    const uint8_t *bits = g_str_equal(property, "AllowedCPUs") ? allowed : effective;

    return sd_bus_message_append_array(reply, 'y', bits, bits[0] || bits[1] ? 2 : 0);
}

static const sd_bus_vtable slice_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("AllowedCPUs", "ay", on_cpus, 0, 0),
    SD_BUS_PROPERTY("EffectiveCPUs", "ay", on_cpus, 0, 0),
    SD_BUS_PROPERTY("MemoryMax", "t", NULL, offsetof(MockSystemd, unit.ended), 0),
    SD_BUS_VTABLE_END,
};

static void set_bits(uint8_t *bits, const char *list)
{
    g_autoptr(GArray) set = cpu_set_parse(list);

    bits[0] = bits[1] = 0;
    for (unsigned i = 0; i < set->len; i++) {
        unsigned cpu = g_array_index(set, unsigned, i);
        bits[cpu / 8] |= 1 << cpu % 8;
    }
}

static int on_set(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
    g_autoptr(GArray) set = g_array_new(FALSE, FALSE, sizeof(unsigned));
    const char *unit, *name;
    const uint8_t *bits;
    int runtime;
    size_t n;

    ck_assert_int_ge(sd_bus_message_read(m, "sb", &unit, &runtime), 0);
    ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "(sv)"), 0);
    ck_assert_int_gt(sd_bus_message_enter_container(m, 'r', "sv"), 0);
    ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
    ck_assert_int_ge(sd_bus_message_enter_container(m, 'v', "ay"), 0);
    ck_assert_int_ge(sd_bus_message_read_array(m, 'y', (const void **)&bits, &n), 0);
    ck_assert_str_eq(unit, UNIT);
    ck_assert_str_eq(name, "AllowedCPUs");
    ck_assert_int_eq(runtime, true);
    for (unsigned cpu = 0; cpu < 8 * n; cpu++)
        if (bits[cpu / 8] & 1 << cpu % 8)
            g_array_append_val(set, cpu);
    g_autofree char *text = cpu_set_to_text(set);
    g_string_append_printf(sets, "%s|", text);
    if (mock.refusal)
        return sd_bus_error_set(e, SD_BUS_ERROR_ACCESS_DENIED, mock.refusal);
    set_bits(allowed, text);
    if (obeys)
        set_bits(effective, *text ? text : "0-11");
    return sd_bus_reply_method_return(m, NULL);
}

/* The mock has no such method. */
static int on_manager(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
    return sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager", "SetUnitProperties") > 0
               ? on_set(m, NULL, e)
               : 0;
}

static void setup(void)
{
    host = fake_host_new();
    fake_host_add_cpus(host, 12, NULL);
    turns = g_queue_new();
    sets = g_string_new(NULL);
    obeys = true;
    set_bits(allowed, "");
    set_bits(effective, "0-11");
    systemd_begin(UNIT_PATH, "org.freedesktop.systemd1.Slice", slice_vtable, &mock);
    ck_assert_int_ge(sd_bus_add_filter(mock.bus, NULL, on_manager, NULL), 0);
}

static void teardown(void)
{
    systemd_end();
    fake_host_free(host);
    g_queue_free(turns);
    g_string_free(sets, TRUE);
}

static SliceStep *begin(const char *before, const char *after)
{
    g_autoptr(Step) step = step_new(STEP_KEPT_OFF, UNIT, before, after);
    StepPlace place = {.sys_fd = fake_host_sys_fd(host), .dev_fd = -1};

    return slice_step_new(event, launcher, &place, turns, step, on_answered, NULL);
}

/* The next answer. */
static void assert_answer(WorkerVerdict wanted, int wanted_error, const char *wanted_live)
{
    until_answered(wanted);
    ck_assert_int_eq(error, wanted_error);
    ck_assert_str_eq(live, wanted_live);
}

static void assert_taken(const char *before, const char *after, WorkerVerdict wanted, int wanted_error,
                         const char *wanted_live)
{
    SliceStep *step = begin(before, after);

    assert_answer(wanted, wanted_error, wanted_live);
    slice_step_free(step);
}

START_TEST(host_cpus_are_taken_from_a_slice_and_given_back)
{
    assert_taken("", "2-3,9", WORKER_DONE, 0, "2-3,9");
    assert_taken("2-3,9", "", WORKER_DONE, 0, "");
    ck_assert_str_eq(sets->str, "0-1,4-8,10-11|0-11||");
}
END_TEST

START_TEST(a_controller_comes_by_a_limit_that_is_none)
{
    g_autoptr(Step) controller = step_new(STEP_CPUSETS, UNIT, "absent", "live");
    StepPlace place = {.sys_fd = fake_host_sys_fd(host), .dev_fd = -1};
    for (int i = 1; i <= 2; i++) {
        SliceStep *step = slice_step_new(event, launcher, &place, turns, controller, on_answered, NULL);
        assert_answer(WORKER_DONE, 0, "live");
        slice_step_free(step);
    }
    ck_assert_str_eq(sets->str, "0-11|");
}
END_TEST

START_TEST(what_others_are_kept_off_stays_so)
{
    set_bits(allowed, "0-5");
    set_bits(effective, "0-5");
    assert_taken("", "2-3", WORKER_DONE, 0, "2-3,6-11");
    /* Somebody has lifted his own limit, and set another. */
    set_bits(allowed, "1,4-9");
    assert_taken("2-3", "", WORKER_DONE, 0, "0,10-11");
    ck_assert_str_eq(sets->str, "0-1,4-5|1-9|");
}
END_TEST

START_TEST(two_at_once_do_not_undo_each_other)
{
    SliceStep *one = begin("", "2"), *two = begin("", "3");
    assert_answer(WORKER_DONE, 0, "2");
    slice_step_free(one);
    assert_answer(WORKER_DONE, 0, "2-3");
    slice_step_free(two);
}
END_TEST

START_TEST(what_is_so_already_is_not_set_again)
{
    assert_taken("2-3", "", WORKER_DONE, 0, "");
    ck_assert_str_eq(sets->str, "");
}
END_TEST

START_TEST(a_kernel_that_does_not_do_it_is_a_failure)
{
    obeys = false;
    assert_taken("", "2-3", WORKER_FAILED, -EIO, "2-3");
}
END_TEST

START_TEST(a_refusal_of_systemds_is_a_failure)
{
    mock.refusal = "Interactive authentication required.";
    assert_taken("", "2-3", WORKER_FAILED, -EACCES, "");
}
END_TEST

START_TEST(nothing_is_never_allowed)
{
    assert_taken("", "0-11", WORKER_FAILED, -EINVAL, "");
    ck_assert_str_eq(sets->str, "");
}
END_TEST

START_TEST(one_that_is_let_go_is_not_heard_of_and_the_next_has_its_turn)
{
    SliceStep *gone = begin("", "2"), *step = begin("", "3");
    slice_step_free(gone);
    assert_answer(WORKER_DONE, 0, "3");
    slice_step_free(step);
}
END_TEST

SUITE_WITH("slice-step", setup, teardown, host_cpus_are_taken_from_a_slice_and_given_back,
           a_controller_comes_by_a_limit_that_is_none, what_others_are_kept_off_stays_so,
           two_at_once_do_not_undo_each_other, what_is_so_already_is_not_set_again,
           a_kernel_that_does_not_do_it_is_a_failure, a_refusal_of_systemds_is_a_failure,
           nothing_is_never_allowed, one_that_is_let_go_is_not_heard_of_and_the_next_has_its_turn)
