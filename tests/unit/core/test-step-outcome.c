/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <syslog.h>

#include "../../../daemon/core/host/holder.h"
#include "../../../daemon/core/record/step-outcome.h"
#include "../suite.h"

#define GPU "0000:01:00.0"
#define PAGES "node0/2048kB"

typedef enum Taking { PLAN, PLAN_AGAIN, UNDO, UNDO_AGAIN, BY_NAME } Taking;

static const StepTaking takings[] = {
    [PLAN] = {.owner = "guest/win10"},
    [PLAN_AGAIN] = {.owner = "guest/win10", .may_count_again = true, .may_try_again = true},
    [UNDO] = {.owner = "guest/win10", .backward = true},
    [UNDO_AGAIN] = {.owner = "bind/" GPU, .backward = true, .may_count_again = true, .may_try_again = true},
    [BY_NAME] = {.owner = "guest/win10", .backward = true, .believe_kernel = true},
};

/* words: a part of the fault's message; NULL: no fault. logged: the same for the log. */
typedef struct Row {
    StepKind kind;
    const char *subject, *before, *after;
    Taking taking;
    WorkerVerdict verdict;
    int error;
    const char *live;
    StepEnd end;
    FaultKind fault;
    const char *words, *logged, *quarantine;
} Row;

#define DRIVER STEP_DRIVER, GPU, "radeon", ""
#define RESET STEP_RESET, GPU, STEP_VALUE_AS_IS, STEP_VALUE_RESET
#define HUGE STEP_HUGE_PAGES, PAGES, "10", "14"
#define GOVERNOR STEP_GOVERNOR, "cpu2", "performance", "schedutil"
#define UNIT STEP_UNIT, "sunshine.service", "active", "inactive"
#define MODULE STEP_MODULE, "vfio_pci", "absent", "live"
#define NO_FAULT 0, NULL

static const Row rows[] = {
    {DRIVER, PLAN, WORKER_DONE, 0, "", STEP_END_DONE, NO_FAULT},
    {DRIVER, UNDO, WORKER_DONE, 0, "", STEP_END_DONE, NO_FAULT},

    {DRIVER, PLAN, WORKER_DRIFT, 0, "amdgpu", STEP_END_UNTOUCHED, FAULT_DRIFT,
     "is amdgpu, neither radeon nor none"},
    {DRIVER, UNDO, WORKER_DRIFT, 0, "amdgpu", STEP_END_FAILED, FAULT_DRIFT,
     "is amdgpu, neither radeon nor none", "is amdgpu, neither"},
    {DRIVER, UNDO, WORKER_DRIFT, 0, NULL, STEP_END_FAILED, FAULT_DRIFT, "is gone, neither", "is gone"},
    {DRIVER, BY_NAME, WORKER_DRIFT, 0, "amdgpu", STEP_END_DONE, NO_FAULT, "leaving it as it is"},
    {GOVERNOR, UNDO, WORKER_DRIFT, 0, "powersave", STEP_END_DONE, NO_FAULT, "leaving it as it is"},
    {GOVERNOR, PLAN, WORKER_DRIFT, 0, "powersave", STEP_END_UNTOUCHED, FAULT_DRIFT, "is powersave"},
    {HUGE, PLAN_AGAIN, WORKER_DRIFT, 0, "12", STEP_END_COUNT_AGAIN, NO_FAULT},
    {HUGE, UNDO_AGAIN, WORKER_DRIFT, 0, "12", STEP_END_COUNT_AGAIN, NO_FAULT},
    {HUGE, PLAN, WORKER_DRIFT, 0, "12", STEP_END_UNTOUCHED, FAULT_DRIFT, "is 12, neither 10 nor 14"},
    {HUGE, PLAN, WORKER_DRIFT, 0, "14", STEP_END_UNTOUCHED, FAULT_DRIFT, "is 14 already"},
    {HUGE, UNDO, WORKER_DRIFT, 0, "12", STEP_END_DONE, NO_FAULT, "leaving it as it is"},

    {DRIVER, PLAN, WORKER_FAILED, -EIO, "radeon", STEP_END_FAILED, FAULT_FAILED,
     "cannot go from radeon to none, it is radeon: the kernel took the write, but did not do it"},
    {DRIVER, PLAN, WORKER_FAILED, -ENODEV, NULL, STEP_END_FAILED, FAULT_FAILED, "it is gone: No such device"},
    {DRIVER, UNDO, WORKER_FAILED, -EIO, "radeon", STEP_END_FAILED, FAULT_FAILED, "did not do it",
     "radeon → none: the kernel took", "restore failed: driver of " GPU},
    {DRIVER, UNDO, WORKER_FAILED, -EBUSY, "radeon", STEP_END_FAILED, FAULT_FAILED, "resource busy",
     "resource busy"},
    {DRIVER, BY_NAME, WORKER_FAILED, -EIO, "radeon", STEP_END_FAILED, FAULT_FAILED, "did not do it",
     "did not do it"},
    {UNIT, PLAN, WORKER_FAILED, -EIO, "active", STEP_END_FAILED, FAULT_FAILED, "systemd took the request"},
    {RESET, PLAN, WORKER_FAILED, -EIO, STEP_LIVE_SILENT, STEP_END_FAILED, FAULT_FAILED,
     "reset of " GPU " failed: the device does not answer any more", NULL,
     "reset failed: the device does not answer any more"},
    {STEP_BAR_SIZE, GPU, "bar 0: 8192M", "bar 0: 256M", UNDO, WORKER_FAILED, -ENOSPC, "bar 0: 8192M",
     STEP_END_FAILED, FAULT_FAILED, "it is bar 0: 8192M", "No space left"},
    {STEP_BAR_SIZE, GPU, "bar 0: 8192M", "bar 0: 256M", BY_NAME, WORKER_FAILED, -ENOSPC, "bar 0: 8192M",
     STEP_END_DONE, NO_FAULT, "cannot be resized: No space left on device; giving it back as it is"},
    {RESET, PLAN, WORKER_FAILED, -EBUSY, NULL, STEP_END_FAILED, FAULT_FAILED, "resource busy"},
    {RESET, BY_NAME, WORKER_FAILED, -EIO, STEP_LIVE_SILENT, STEP_END_DONE, NO_FAULT,
     "giving it back as it is", "reset failed"},
    {HUGE, PLAN, WORKER_FAILED, -EIO, "11", STEP_END_SHORT, FAULT_FAILED, "only 1 of the 4 huge pages"},
    {HUGE, UNDO, WORKER_FAILED, -EIO, "11", STEP_END_FAILED, FAULT_FAILED, "it is 11", "did not do it"},
    {MODULE, PLAN, WORKER_FAILED, -EIO, "absent", STEP_END_FAILED, FAULT_FAILED, "it did not come up"},
    {MODULE, PLAN, WORKER_FAILED, -EPERM, NULL, STEP_END_FAILED, FAULT_FAILED,
     "cannot load the module vfio_pci: Operation not permitted"},

    {DRIVER, PLAN_AGAIN, WORKER_LOST, 0, NULL, STEP_END_FAILED, FAULT_FAILED, "went away while it set"},
    {DRIVER, UNDO_AGAIN, WORKER_LOST, 0, NULL, STEP_END_TRY_AGAIN, NO_FAULT},
    {DRIVER, UNDO, WORKER_LOST, 0, NULL, STEP_END_FAILED, FAULT_FAILED, "went away while it set"},
    {DRIVER, PLAN_AGAIN, WORKER_GONE, -ENOTCONN, NULL, STEP_END_TRY_AGAIN, NO_FAULT},
    {DRIVER, PLAN, WORKER_GONE, -ENOTCONN, NULL, STEP_END_FAILED, FAULT_FAILED, "went away while it set"},
    {DRIVER, PLAN_AGAIN, WORKER_NONE, 0, NULL, STEP_END_STOPS, FAULT_FAILED,
     "cannot start usher-bind: no room"},
    {DRIVER, UNDO_AGAIN, WORKER_NONE, 0, NULL, STEP_END_TRY_AGAIN, NO_FAULT},
    {DRIVER, UNDO, WORKER_NONE, 0, NULL, STEP_END_STOPS, FAULT_FAILED, "cannot start usher-bind: no room"},
    {RESET, UNDO, WORKER_REFUSED, -ENOMEM, NULL, STEP_END_FAILED, FAULT_FAILED, "annot allocate",
     "annot allocate"},

    {DRIVER, UNDO_AGAIN, WORKER_STUCK, 0, NULL, STEP_END_STOPS, FAULT_STUCK, "has hung in the kernel"},
    {RESET, PLAN, WORKER_STUCK, 0, NULL, STEP_END_STOPS, FAULT_STUCK, "has hung in the kernel", NULL,
     "reset failed: Connection timed out"},
    {MODULE, PLAN, WORKER_STUCK, 0, NULL, STEP_END_STOPS, FAULT_STUCK,
     "loading the module vfio_pci has hung"},
};

static StepOutcome ask(const Row *row, const GPtrArray *holders)
{
    g_autoptr(Step) step = step_new(row->kind, row->subject, row->before, row->after);
    const char *message = row->verdict == WORKER_NONE ? "no room" : NULL;
    const WorkerAnswer answer = {row->verdict, row->error, row->live, holders, message};

    return step_outcome(step, &takings[row->taking], &answer);
}

static bool tells(const char *text, const char *part)
{
    return part ? text && strstr(text, part) : !text;
}

START_TEST(an_answer_means_what_the_table_says)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(StepOutcome) outcome = ask(&rows[i], NULL);
        const Fault *fault = outcome.fault;

        ck_assert_msg(outcome.end == rows[i].end, "row %zu ends with %d", i, outcome.end);
        ck_assert_msg(tells(fault ? fault->message : NULL, rows[i].words), "row %zu: %s", i,
                      fault ? fault->message : "no fault");
        ck_assert_msg(!fault || fault->kind == rows[i].fault, "row %zu: kind %d", i, fault->kind);
        ck_assert_msg(tells(outcome.log, rows[i].logged), "row %zu logs %s", i, outcome.log);
        ck_assert_msg(tells(outcome.quarantine, rows[i].quarantine), "row %zu: quarantine %s", i,
                      outcome.quarantine);
    }
}
END_TEST

START_TEST(what_is_left_names_the_command_that_tries_again_or_tells_why)
{
    static const struct {
        Row row;
        const char *remedy;
    } tries[] = {
        {{DRIVER, UNDO, WORKER_DRIFT, 0, "amdgpu"}, "usherctl restore " GPU},
        {{STEP_MEDIATED, "4b20d080", "", "a-type@" GPU, UNDO, WORKER_DRIFT, 0, "b@" GPU},
         "usherctl restore " GPU},
        {{UNIT, UNDO, WORKER_DRIFT, 0, "failed"}, "usherctl stop win10"},
        {{UNIT, UNDO_AGAIN, WORKER_DRIFT, 0, "failed"}, "usherctl restore " GPU},
        {{DRIVER, PLAN, WORKER_DRIFT, 0, "amdgpu"}, "usherctl devices"},
        {{UNIT, PLAN, WORKER_FAILED, -EIO, "active"}, "systemctl status, and journalctl"},
        {{STEP_UNIT, "usher-nat@win10.target", "inactive", "active", PLAN, WORKER_FAILED, -EIO, "inactive"},
         "journalctl -b -u usher-nat -u usher-nat-dhcp"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tries); i++) {
        g_auto(StepOutcome) outcome = ask(&tries[i].row, NULL);
        ck_assert_msg(strstr(outcome.fault->remedy, tries[i].remedy), "%zu: %s", i, outcome.fault->remedy);
    }
}
END_TEST

START_TEST(a_variant_that_fails_is_not_the_only_driver)
{
    const Row module = {STEP_MODULE, "mlx5_vfio_pci", "absent", "live",
                        PLAN,        WORKER_FAILED,   -ENOPKG,  "absent"},
              probe = {STEP_DRIVER, GPU, "", "xe-vfio-pci", PLAN, WORKER_FAILED, -EIO, ""},
              plain = {STEP_DRIVER, GPU, "", "vfio-pci", PLAN, WORKER_FAILED, -EIO, ""},
              plain_module = {MODULE, PLAN, WORKER_FAILED, -ENOPKG, "absent"};
    g_auto(StepOutcome) first = ask(&module, NULL), second = ask(&probe, NULL), third = ask(&plain, NULL),
                        fourth = ask(&plain_module, NULL);

    ck_assert_ptr_nonnull(strstr(first.fault->remedy, "Driver=vfio-pci"));
    ck_assert_ptr_nonnull(strstr(second.fault->remedy, "Driver=vfio-pci"));
    ck_assert_ptr_null(strstr(third.fault->remedy, "Driver="));
    ck_assert_ptr_null(strstr(fourth.fault->remedy, "Driver="));
}
END_TEST

START_TEST(only_what_is_given_up_as_anothers_is_logged_as_a_notice)
{
    const Row drift = {GOVERNOR, UNDO, WORKER_DRIFT, 0, "powersave"},
              failed = {DRIVER, UNDO, WORKER_FAILED, -EPERM};
    g_auto(StepOutcome) first = ask(&drift, NULL), second = ask(&failed, NULL);

    ck_assert_int_eq(first.log_level, LOG_NOTICE);
    ck_assert_int_eq(second.log_level, LOG_WARNING);
}
END_TEST

START_TEST(a_disk_that_came_to_be_used_is_told_with_its_holder_and_is_no_fault_of_the_device)
{
    g_autoptr(GPtrArray) holders = holders_new();
    const Row plan = {DRIVER, PLAN, WORKER_FAILED, -EIO, "nvme"},
              undo = {DRIVER, UNDO, WORKER_FAILED, -EIO, "nvme"};

    g_ptr_array_add(holders, holder_new(HOLDER_MOUNT, GPU, "/srv on nvme0n1p1", 0, NULL, NULL, NULL));
    g_auto(StepOutcome) first = ask(&plan, holders), second = ask(&undo, holders);
    ck_assert_int_eq(first.end, STEP_END_FAILED);
    ck_assert_int_eq(first.fault->kind, FAULT_IN_USE);
    ck_assert_ptr_nonnull(strstr(first.fault->message, "/srv"));
    ck_assert_ptr_null(first.log);
    ck_assert_ptr_nonnull(strstr(second.log, "/srv"));
    ck_assert_ptr_null(second.quarantine);
}
END_TEST

START_TEST(what_hangs_is_told_with_how_long_it_was_waited_for)
{
    g_autoptr(Step) step = step_new(DRIVER);
    const StepTaking taking = {.owner = "guest/win10", .stuck_usec = 90 * G_USEC_PER_SEC};
    g_auto(StepOutcome) outcome = step_outcome(step, &taking, &(WorkerAnswer){.verdict = WORKER_STUCK});

    ck_assert_ptr_nonnull(strstr(outcome.fault->message, "for 90 s"));
}
END_TEST

SUITE("step-outcome", an_answer_means_what_the_table_says,
      what_is_left_names_the_command_that_tries_again_or_tells_why,
      a_variant_that_fails_is_not_the_only_driver, only_what_is_given_up_as_anothers_is_logged_as_a_notice,
      a_disk_that_came_to_be_used_is_told_with_its_holder_and_is_no_fault_of_the_device,
      what_hangs_is_told_with_how_long_it_was_waited_for)
