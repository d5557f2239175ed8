/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against a mock of systemd (mock-systemd.h says why). */
#include <signal.h>

#include "../suite.h"
#include "launcher-systemd.h"

static void start(void)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, NULL), 0);
    ck_assert_int_eq(answers, 0);
    loop_until_count(event, &answers, 1);
}

START_TEST(a_start_resets_failures_and_starts_the_unit)
{
    start();
    ck_assert_int_eq(answer_error, 0);
    ck_assert_ptr_null(answer_message);
    ck_assert_str_eq(mock.calls->str, "Subscribe|ResetFailedUnit " UNIT "|StartUnit " UNIT " replace|");
    ck_assert_str_eq(launcher_name(launcher), "systemd");
}
END_TEST

START_TEST(a_start_that_systemd_refuses_has_its_words)
{
    mock.refusal = "Unit is masked.";
    start();
    ck_assert_int_lt(answer_error, 0);
    ck_assert_str_eq(answer_message, "systemd did not start " UNIT ": Unit is masked.");
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_start_without_a_systemd_is_refused_in_words)
{
    ck_assert_int_ge(sd_bus_release_name(mock.bus, "org.freedesktop.systemd1"), 0);
    start();
    ck_assert_int_lt(answer_error, 0);
    ck_assert_msg(g_str_has_prefix(answer_message, "systemd did not start " UNIT ": "), "%s", answer_message);
}
END_TEST

START_TEST(a_start_that_fails_after_it_was_accepted_is_told)
{
    static const char *const words[][2] = {
        {"failed", UNIT " failed to start"},
        {"timeout", UNIT " did not come up in time"},
        {"canceled", "the start of " UNIT " was cancelled"},
        {"dependency", UNIT " was not started: something it depends on failed"},
        {"skipped", UNIT " was not started: a condition of it does not hold"},
        {"some newer word", UNIT " failed to start"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        answers = failures = 0;
        start();
        mock_systemd_end_job(&mock, i + 1, UNIT, words[i][0]);
        loop_until_count(event, &failures, 1);
        ck_assert_str_eq(failed_instance, "win10");
        ck_assert_str_eq(failed_message, words[i][1]);
    }
}
END_TEST

/* The unit's job is not over then, as its ExecStopPost= waits for the daemon. */
START_TEST(a_start_whose_process_dies_is_told_by_the_state_of_the_unit)
{
    start();
    mock_systemd_set_state(&mock, "activating");
    mock_systemd_set_state(&mock, "deactivating");
    loop_until_count(event, &failures, 1);
    ck_assert_str_eq(failed_instance, "win10");
    ck_assert_str_eq(failed_message, UNIT " failed to start");
    mock_systemd_end_job(&mock, 1, UNIT, "failed");
    settle();
    ck_assert_msg(failures == 1, "it is told once, not %d times", failures);
}
END_TEST

static void assert_forgotten(bool answered)
{
    int mine;

    mock.late = true;
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, &mine), 0);
    until_called("StartUnit");
    if (!answered)
        launcher_forget(launcher, &mine);
    mock_systemd_answer(&mock, 2);
    settle();
    ck_assert_int_eq(answers, answered);
    if (answered)
        launcher_forget(launcher, &mine);
    mock_systemd_set_state(&mock, "activating");
    mock_systemd_set_state(&mock, "failed");
    mock_systemd_end_job(&mock, 1, UNIT, "failed");
    settle();
    ck_assert_int_eq(failures, 0);
}

START_TEST(a_start_that_is_forgotten_before_its_answer_fails_nobody)
{
    assert_forgotten(false);
}
END_TEST

START_TEST(a_start_that_is_forgotten_after_its_answer_fails_nobody)
{
    assert_forgotten(true);
}
END_TEST

START_TEST(a_late_answer_to_one_start_is_not_taken_for_that_to_the_next)
{
    int first, second;

    mock.late = true;
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, &first), 0);
    launcher_forget(launcher, &first);
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, &second), 0);
    while (mock.unanswered->len < 2)
        ck_assert(sd_event_run(event, LOOP_DEADLINE_USEC) > 0);
    mock.refusal = "the first was called off";
    mock_systemd_answer(&mock, 1);
    mock.refusal = NULL;
    settle();
    ck_assert_int_eq(answers, 0);
    mock_systemd_answer(&mock, 1);
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, 0);
    /* And the second start can still fail. */
    mock_systemd_end_job(&mock, 2, UNIT, "timeout");
    loop_until_count(event, &failures, 1);
    ck_assert_str_eq(failed_message, UNIT " did not come up in time");
}
END_TEST

START_TEST(a_process_that_dies_after_its_job_was_done_is_told_too)
{
    start();
    mock_systemd_set_state(&mock, "activating");
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    mock_systemd_set_state(&mock, "active");
    settle();
    ck_assert_int_eq(failures, 0);
    mock_systemd_set_state(&mock, "failed");
    loop_until_count(event, &failures, 1);
}
END_TEST

START_TEST(the_end_of_an_earlier_run_is_no_failed_start)
{
    mock_systemd_set_state(&mock, "deactivating");
    start();
    mock_systemd_set_state(&mock, "inactive");
    mock_systemd_set_state(&mock, "activating");
    settle();
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(once_its_helper_has_come_a_start_cannot_fail)
{
    start();
    mock_systemd_set_state(&mock, "activating");
    settle();
    launcher_connected(launcher, LAUNCHER_GUEST, "win10");
    launcher_connected(launcher, LAUNCHER_GUEST, "never-heard-of");
    mock_systemd_set_state(&mock, "deactivating");
    mock_systemd_end_job(&mock, 1, UNIT, "failed");
    settle();
    ck_assert_int_eq(failures, 0);
}
END_TEST

static void set_states(const char *state, const char *sub_state)
{
    mock.sub_state = sub_state;
    mock_systemd_set_state(&mock, state);
    settle();
}

static void connect_and_hear_what_is_given_up(void)
{
    launcher_on_given_up(launcher, on_failed, NULL);
    launcher_on_failed(launcher, LAUNCHER_GUEST, NULL, NULL);
    launcher_connected(launcher, LAUNCHER_GUEST, "win10");
    settle();
}

/* The states that systemd 252 goes through with Restart=; the second time it gives up. */
START_TEST(a_unit_that_systemd_does_not_start_again_is_told)
{
    connect_and_hear_what_is_given_up();
    set_states("activating", "auto-restart");
    set_states("inactive", "dead");
    set_states("activating", "start");
    set_states("failed", "failed");
    launcher_connected(launcher, LAUNCHER_GUEST, "win10");
    set_states("deactivating", "stop-post");
    set_states("activating", "auto-restart");
    set_states("inactive", "dead");
    ck_assert_int_eq(failures, 0);
    set_states("failed", "failed");
    loop_until_count(event, &failures, 1);
    ck_assert_str_eq(failed_instance, "win10");
    ck_assert_str_eq(failed_message,
                     "systemd does not start it again: it has ended too often in too short a time");
    set_states("failed", "failed");
    ck_assert_int_eq(failures, 1);
}
END_TEST

START_TEST(a_unit_that_is_not_to_be_started_again_is_not_given_up)
{
    connect_and_hear_what_is_given_up();
    set_states("deactivating", "stop-post");
    set_states("failed", "failed");
    set_states("activating", "auto-restart");
    set_states("inactive", "dead"); /* systemctl stop while it waits */
    set_states("activating", "start");
    set_states("failed", "failed");
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_start_that_succeeds_and_jobs_of_others_are_not_told)
{
    start();
    mock_systemd_end_job(&mock, 7, UNIT, "failed");
    mock_systemd_end_job(&mock, 1, UNIT, "done");
    mock_systemd_end_job(&mock, 1, UNIT, "failed");
    settle();
    ck_assert_int_eq(failures, 0);
}
END_TEST

START_TEST(a_stop_stops_the_unit)
{
    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_GUEST, "win10", on_done, NULL), 0);
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, 0);
    ck_assert_str_eq(mock.calls->str, "Subscribe|StopUnit " UNIT " replace|");
    mock.refusal = "Unit is not loaded.";
    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_BIND, "4", on_done, NULL), 0);
    loop_until_count(event, &answers, 2);
    ck_assert_str_eq(answer_message, "systemd did not stop usher-bind@4.service: Unit is not loaded.");
    ck_assert_int_eq(launcher_stop(launcher, LAUNCHER_GUEST, "win10", NULL, NULL), 0);
    loop_settle(event);
}
END_TEST

START_TEST(a_signal_goes_to_the_main_process_by_systemd)
{
    ck_assert_int_eq(launcher_kill(launcher, LAUNCHER_GUEST, "win10", SIGTERM), 0);
    until_called("KillUnit " UNIT " main 15|");
}
END_TEST

START_TEST(where_systemd_does_not_answer_the_memory_decides)
{
    uint64_t start_time;

    ck_assert_int_eq(launcher_start_time(getpid(), &start_time), 0);
    mock.property_error = SD_BUS_ERROR_NO_REPLY;
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", getpid(), start_time, on_found, NULL),
                     0);
    loop_until_count(event, &finds, 1);
    ck_assert_int_eq(found, getpid());
    ck_assert_int_eq(
        launcher_find(launcher, LAUNCHER_GUEST, "win10", getpid(), start_time + 1, on_found, NULL), 0);
    loop_until_count(event, &finds, 2);
    ck_assert_int_eq(found, 0);
}
END_TEST

START_TEST(a_module_is_loaded_once_its_job_is_gone)
{
    ck_assert_int_eq(launcher_load_module(launcher, "vfio_pci", on_done, NULL), 0);
    until_called("StartUnit modprobe@vfio_pci.service replace|");
    settle();
    ck_assert_msg(answers == 0, "it is not loaded yet");
    mock_systemd_end_job(&mock, 1, "modprobe@vfio_pci.service", "done");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, 0);

    mock.refusal = "Unit not found.";
    ck_assert_int_eq(launcher_load_module(launcher, "vfio_pci", on_done, NULL), 0);
    loop_until_count(event, &answers, 2);
    ck_assert_str_eq(answer_message, "systemd did not start modprobe@vfio_pci.service: Unit not found.");
}
END_TEST

START_TEST(what_is_forgotten_or_freed_is_not_called_back)
{
    int owner;

    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, "win10", on_done, &owner), 0);
    ck_assert_int_eq(launcher_find(launcher, LAUNCHER_GUEST, "win10", 0, 0, on_found, &owner), 0);
    launcher_forget(launcher, &owner);
    ck_assert_int_eq(launcher_load_module(launcher, "vfio_pci", on_done, NULL), 0);
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, "win10", getpid(), on_exited, NULL), 0);
    until_called("RefUnit");
    launcher = launcher_free(launcher);
    until_called("UnrefUnit");
    ck_assert_int_eq(answers + finds + ends + failures, 0);
}
END_TEST

START_TEST(a_process_outside_our_units_is_not_identified)
{
    g_autofree char *instance = NULL;
    LauncherKind kind;

    ck_assert_int_eq(launcher_identify(launcher, getpid(), &kind, &instance), -EPERM);
    pid_t pid = process_new();
    process_kill(pid);
    ck_assert_int_eq(launcher_identify(launcher, pid, &kind, &instance), -ESRCH);
}
END_TEST

/* Names. */

static int parse(const char *text, const char *kind_and_instance)
{
    g_autofree char *instance = NULL, *seen = NULL;
    LauncherKind kind;

    int r = launcher_cgroup_parse(text, &kind, &instance);
    if (r == 0) {
        seen = g_strdup_printf("%s %s", kind == LAUNCHER_GUEST ? "guest" : "bind", instance);
        ck_assert_str_eq(seen, kind_and_instance);
    }
    return r;
}

START_TEST(a_unit_is_read_from_the_control_group)
{
    ck_assert_int_eq(parse("0::/usher.slice/usher-guest@win10.service", "guest win10"), 0);
    ck_assert_int_eq(parse("0::/usher.slice/usher-guest@a-b-2.service\n", "guest a-b-2"), 0);
    ck_assert_int_eq(parse("0::/usher.slice/usher-bind@81234.service\n", "bind 81234"), 0);
    ck_assert_int_eq(parse("0::/usher.slice/usher-guest@win10.service/.control\n", "guest win10"), 0);
    ck_assert_int_eq(parse("4:memory:/elsewhere\n0::/usher.slice/usher-guest@win10.service\n", "guest win10"),
                     0);
}
END_TEST

START_TEST(no_other_control_group_will_do)
{
    static const char *const strangers[] = {
        "",
        "0::/",
        "0::/usher.slice",
        "0::/system.slice/usher-guest@win10.service",
        "0::/user.slice/user-1000.slice/user@1000.service/usher.slice/usher-guest@win10.service",
        "0::/usher.slice/usher-guest@win10.service/deeper",
        "0::/usher.slice/usher-guest@win10.service/.control/deeper",
        "0::/usher.slice/usher-more.slice/usher-guest@win10.service",
        "0::/../usher.slice/usher-guest@win10.service",
        "0::/usher.slice/usher-guest@.service",
        "0::/usher.slice/usher-guest@-x.service",
        "0::/usher.slice/usher-guest@Win10.service",
        "0::/usher.slice/usher-guest@win\\x2d10.service",
        "0::/usher.slice/usher-guest@win10.scope",
        "0::/usher.slice/usherd.service",
        "0::/usher.slice/other@win10.service",
        "1:name=systemd:/usher.slice/usher-guest@win10.service",
        "0::usher.slice/usher-guest@win10.service",
        "10::/usher.slice/usher-guest@win10.service",
        "0::/elsewhere\n0::/usher.slice/usher-guest@win10.service",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(strangers); i++)
        ck_assert_msg(parse(strangers[i], "") == -EPERM, "taken for one of ours: %s", strangers[i]);
}
END_TEST

SUITE_WITH("launcher-systemd", setup, teardown, a_start_resets_failures_and_starts_the_unit,
           a_start_that_systemd_refuses_has_its_words, a_start_without_a_systemd_is_refused_in_words,
           a_start_that_fails_after_it_was_accepted_is_told,
           a_start_whose_process_dies_is_told_by_the_state_of_the_unit,
           a_start_that_is_forgotten_before_its_answer_fails_nobody,
           a_start_that_is_forgotten_after_its_answer_fails_nobody,
           a_late_answer_to_one_start_is_not_taken_for_that_to_the_next,
           a_process_that_dies_after_its_job_was_done_is_told_too,
           the_end_of_an_earlier_run_is_no_failed_start, once_its_helper_has_come_a_start_cannot_fail,
           a_unit_that_systemd_does_not_start_again_is_told,
           a_unit_that_is_not_to_be_started_again_is_not_given_up,
           a_start_that_succeeds_and_jobs_of_others_are_not_told, a_stop_stops_the_unit,
           a_signal_goes_to_the_main_process_by_systemd, where_systemd_does_not_answer_the_memory_decides,
           a_module_is_loaded_once_its_job_is_gone, what_is_forgotten_or_freed_is_not_called_back,
           a_process_outside_our_units_is_not_identified, a_unit_is_read_from_the_control_group,
           no_other_control_group_will_do)
