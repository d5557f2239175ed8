/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's life with a launcher and a QEMU that go, fail or say nothing at a moment of one's choice. */
#include <string.h>

#include "guest-try.h"

static void assert_failed(const Try *try, const char *words)
{
    assert_state(try, GUEST_FAILED);
    ck_assert_msg(strstr(guest_fault(try->guest)->message, words), "%s", guest_fault(try->guest)->message);
    ck_assert_uint_eq(try->report.rested, 1);
    rig_assert_restored(try->rig);
}

START_TEST(it_runs_and_stops_when_its_power_button_is_pressed)
{
    A_RUN(build_gpu);
    ck_assert_str_eq(try.start->result, "done");
    ck_assert_int_eq(guest_pid(try.guest), QEMU_PID);
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    ck_assert_str_eq(guest_sub_state(try.guest), "power-button");
    fake_qemu_serve(&qemu);
    ck_assert(g_str_has_suffix(qemu.commands->str, "system_powerdown\n"));
    ck_assert_uint_eq(fake_launcher_stops(rig.engine.launcher, "win10"), 1);
    ck_assert_ptr_null(try.stop->result);
    qemu_ends(&try, &fine);
    assert_stopped(&try);
    ck_assert_str_eq(try.stop->result, "done");
}
END_TEST

START_TEST(a_unit_that_fails_before_its_launcher_comes_ends_the_start)
{
    for (unsigned turn = 0; turn < 40; turn++) {
        A_RIG(build_gpu);
        A_TRY(try, &rig);
        start(&try);
        while (fake_launcher_starts(rig.engine.launcher, "win10") == 0)
            rig_turn(&rig);
        for (unsigned i = 0; i < turn; i++)
            rig_turn(&rig);
        guest_launch_failed(try.guest, "its result is 'resources'");
        rig_settle(&rig);
        assert_failed(&try, "cannot start usher-guest@win10.service: its result is 'resources'");
        ck_assert_str_eq(try.start->result, "failed");
    }
}
END_TEST

START_TEST(a_start_that_is_not_accepted_is_undone)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    fake_launcher_refuse(rig.engine.launcher, -EIO, "Unit is masked");
    start(&try);
    rig_settle(&rig);
    assert_failed(&try, "Unit is masked");
}
END_TEST

START_TEST(a_launcher_that_goes_before_qemu_ends_the_start)
{
    for (unsigned turn = 0; turn < 40; turn++) {
        A_GUEST_AT_REST(build_gpu);
        start(&try);
        /* A launcher that comes before systemd has confirmed its start belongs to an earlier run. */
        while (fake_launcher_starts(rig.engine.launcher, "win10") == 0)
            rig_turn(&rig);
        for (unsigned i = 0; i < turn + 2; i++)
            rig_turn(&rig);
        fake_qemu_connect(&qemu, try.guest);
        fake_qemu_hang_up(&qemu);
        rig_settle(&rig);
        /* With all devices it may have been told to run before its end was noticed; then the watch tells. */
        if (guest_state(try.guest) == GUEST_STARTING)
            qemu_ends(&try, &(LauncherExit){.known = true, .status = 1});
        assert_state(&try, GUEST_FAILED);
        ck_assert_str_eq(try.start->result, "failed");
        rig_assert_restored(&rig);
    }
}
END_TEST

START_TEST(a_qemu_that_ends_before_it_says_hello_ends_the_start)
{
    A_SILENT_QEMU(build_gpu);
    rig_settle(&rig);
    assert_state(&try, GUEST_STARTING);
    qemu_ends(&try, &(LauncherExit){.known = true, .status = 1});
    assert_failed(&try, "QEMU of guest win10 ended with exit status 1");
}
END_TEST

START_TEST(a_qemu_that_is_killed_is_told_and_all_is_given_back)
{
    A_RUN(build_gpu);
    qemu_ends(&try, &(LauncherExit){.known = true, .by_signal = true, .status = SIGSEGV});
    assert_failed(&try, "killed by signal 11");
}
END_TEST

START_TEST(a_guest_that_systemd_gives_up_has_failed_and_says_so)
{
    A_RUN(build_gpu);
    qemu_ends(&try, &(LauncherExit){.known = true, .status = 1});
    guest_given_up(try.guest, "systemd does not start it again");
    assert_failed(&try, "QEMU of guest win10 ended with exit status 1; systemd does not start it again");
    ck_assert_str_eq(guest_fault(try.guest)->remedy, "correct that, then: usherctl start win10");
}
END_TEST

START_TEST(a_launcher_that_ends_after_its_start_was_called_off_is_no_failure)
{
    A_RIG(build_gpu);
    A_TRY(try, &rig);
    start(&try);
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    rig_settle(&rig);
    guest_launch_failed(try.guest, "killed");
    assert_stopped(&try);
}
END_TEST

START_TEST(a_guest_that_shuts_down_again_and_again_is_given_up_too)
{
    A_RUN(build_gpu);
    qemu_ends(&try, &fine);
    assert_stopped(&try);
    guest_given_up(try.guest, "systemd does not start it again");
    assert_failed(&try, "guest win10: systemd does not start it again");
}
END_TEST

START_TEST(a_stop_at_any_turn_before_its_launcher_comes_calls_the_start_off)
{
    for (unsigned turn = 0; turn < 40; turn++) {
        A_RIG(build_gpu);
        A_TRY(try, &rig);
        start(&try);
        for (unsigned i = 0; i < turn; i++)
            rig_turn(&rig);
        ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
        /* The launcher's words about a unit that was killed before it connected. */
        guest_launch_failed(try.guest, "its main process was killed by signal 9");
        rig_settle(&rig);
        assert_stopped(&try);
        ck_assert_str_eq(try.stop->result, "done");
        ck_assert_str_eq(try.start->result, "failed");
        ck_assert_str_eq(try.start->fault->message, "guest win10 was stopped before it ran");
    }
}
END_TEST

START_TEST(a_stop_of_a_qemu_that_says_nothing_goes_to_the_signals)
{
    A_SILENT_QEMU(build_gpu);
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    ck_assert_str_eq(guest_sub_state(try.guest), "terminate");
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), SIGTERM);
    ck_assert_int_eq(guest_kill(try.guest, NULL, NULL), 0);
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), SIGKILL);
    rig_settle(&rig);
    assert_stopped(&try);
}
END_TEST

START_TEST(a_second_stop_ends_with_the_first_and_neither_before_all_is_given_back)
{
    A_RUN(build_gpu);
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    ck_assert_int_eq(guest_stop(try.guest, try.again, false, NULL), 0);
    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(try.stop->result);
    ck_assert_ptr_null(try.again->result);
    qemu_ends(&try, &fine);
    assert_stopped(&try);
    ck_assert_str_eq(try.stop->result, "done");
    ck_assert_str_eq(try.again->result, "done");
}
END_TEST

START_TEST(a_card_that_is_dead_afterwards_is_told)
{
    A_RUN(build_gpu);
    fake_host_silence(rig.host, "0000:01:00.0");
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    qemu_ends(&try, &fine);
    assert_failed(&try, "0000:01:00.0 is dead: its config space reads as all ones");
    ck_assert_str_eq(try.stop->result, "done");
}
END_TEST

START_TEST(a_device_that_hangs_at_the_end_comes_back_by_itself)
{
    A_RUN(build_gpu);
    rig.engine.limits.slow_usec = 1000;
    rig.engine.limits.stuck_usec = 2000;
    fake_workers_hang(rig.engine.workers, fake_workers_steps(rig.engine.workers) + 2);
    ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
    fake_launcher_exit(rig.engine.launcher, "win10", &fine);
    rig_until(&rig, &try.report.rested, 1);
    ck_assert(guest_has_leftovers(try.guest));
    ck_assert_int_eq(guest_fault(try.guest)->kind, FAULT_STUCK);
    ck_assert_str_eq(try.stop->result, "stuck");
    fake_workers_come_back(rig.engine.workers);
    rig_until(&rig, &try.report.rested, 2);
    assert_state(&try, GUEST_STOPPED);
    ck_assert(!guest_has_leftovers(try.guest));
    rig_assert_restored(&rig);
}
END_TEST

static void on_controlled(const Fault *fault, void *userdata)
{
    ck_assert_ptr_nonnull(fault);
    ck_assert_int_eq(fault->kind, FAULT_NOT_RUNNING);
    ck_assert_str_eq(fault->message, "guest win10 ended, or QEMU hung up");
    ++*(unsigned *)userdata;
}

START_TEST(whoever_waits_for_a_pause_is_told_when_the_guest_ends)
{
    for (unsigned freed = 0; freed < 2; freed++) {
        A_RUN(build_gpu);
        unsigned told = 0;

        qemu.mute = true;
        ck_assert_int_eq(guest_control(try.guest, GUEST_CONTROL_PAUSE, on_controlled, &told, NULL), 0);
        ck_assert_int_eq(guest_control(try.guest, GUEST_CONTROL_RESET, on_controlled, &told, NULL), 0);
        fake_qemu_serve(&qemu);
        ck_assert_uint_eq(told, 0);
        if (freed)
            try.guest = guest_free(try.guest);
        else
            qemu_ends(&try, &fine);
        ck_assert_uint_eq(told, 2);
    }
}
END_TEST

SUITE("guest", it_runs_and_stops_when_its_power_button_is_pressed,
      a_unit_that_fails_before_its_launcher_comes_ends_the_start, a_start_that_is_not_accepted_is_undone,
      a_launcher_that_goes_before_qemu_ends_the_start, a_qemu_that_ends_before_it_says_hello_ends_the_start,
      a_qemu_that_is_killed_is_told_and_all_is_given_back,
      a_guest_that_systemd_gives_up_has_failed_and_says_so,
      a_launcher_that_ends_after_its_start_was_called_off_is_no_failure,
      a_guest_that_shuts_down_again_and_again_is_given_up_too,
      a_stop_at_any_turn_before_its_launcher_comes_calls_the_start_off,
      a_stop_of_a_qemu_that_says_nothing_goes_to_the_signals,
      a_second_stop_ends_with_the_first_and_neither_before_all_is_given_back,
      a_card_that_is_dead_afterwards_is_told, a_device_that_hangs_at_the_end_comes_back_by_itself,
      whoever_waits_for_a_pause_is_told_when_the_guest_ends)
