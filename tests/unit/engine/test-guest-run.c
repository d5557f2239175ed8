/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU says of a guest's run state, and how a guest is stopped that hears nothing. The lab shows S3 with
 * a real guest; here QEMU says whatever its schema has. */
#include <string.h>

#include "rig-guest.h"

#define DEAF "portw[0x0602] = 0x0020"
#define HEARS "portw[0x0602] = 0x0120"

static char *control_words;

static void on_controlled(const Fault *fault, void *userdata)
{
    g_free(control_words);
    control_words = g_strdup(fault ? fault->message : "done");
}

static void control(FakeQemu *qemu, Guest *guest, GuestControl what)
{
    ck_assert_int_eq(guest_control(guest, what, on_controlled, NULL, NULL), 0);
    fake_qemu_serve(qemu);
    ck_assert_str_eq(control_words, "done");
    g_clear_pointer(&control_words, g_free);
}

static void assert_shown(const Guest *guest, GuestState state, const char *sub_state)
{
    ck_assert_str_eq(guest_state_to_string(guest_state(guest)), guest_state_to_string(state));
    ck_assert_str_eq(guest_sub_state(guest), sub_state);
}

/* Asks the guest to stop; returns what QEMU was told for that. */
static const char *stop(FakeQemu *qemu, Guest *guest)
{
    g_string_truncate(qemu->commands, 0);
    ck_assert_int_eq(guest_stop(guest, NULL, false, NULL), 0);
    fake_qemu_serve(qemu);
    return qemu->commands->str;
}

START_TEST(a_guest_that_has_put_itself_to_sleep_is_shown_so_and_resume_wakes_it)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    assert_shown(guest, GUEST_PAUSED, "suspended");
    g_string_truncate(qemu.commands, 0);
    control(&qemu, guest, GUEST_CONTROL_RESUME);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "system_wakeup\n"));
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    assert_shown(guest, GUEST_RUNNING, "");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_wakes_by_itself_runs)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    fake_qemu_run(&qemu, "WAKEUP", "running");
    assert_shown(guest, GUEST_RUNNING, "");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(resume_wakes_what_fell_asleep_unheard)
{
    A_GUEST(build_gpu, "");
    qemu.status = "suspended";
    control(&qemu, guest, GUEST_CONTROL_RESUME);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "system_wakeup\n"));
    assert_shown(guest, GUEST_RUNNING, "");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_sleeps_is_found_so_by_the_next_daemon)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    rig_restart(&rig, &qemu, guest);
    guest = rig_find(&rig, "");
    fake_qemu_serve(&qemu);
    assert_shown(guest, GUEST_PAUSED, "suspended");
    ck_assert_ptr_nonnull(strstr(stop(&qemu, guest), "system_wakeup\n"));
    rig_end(&rig, guest);
}
END_TEST

/* The next daemon finds it, hears nothing of QEMU for 5 s, and then does. */
static Guest *find_silent(Rig *rig, FakeQemu *qemu, Guest *guest, const char *more)
{
    rig_restart(rig, qemu, guest);
    guest = rig_find(rig, more);
    while (guest_state(guest) != GUEST_UNRESPONSIVE)
        ck_assert_int_gt(sd_event_run(rig->engine.event, 10 * G_USEC_PER_SEC), 0);
    g_string_truncate(qemu->commands, 0);
    return guest;
}

/* With much memory to pin for a device, QEMU says nothing for longer than that. */
START_TEST(a_start_that_another_daemon_finds_silent_goes_on_when_qemu_answers)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_start(&rig, "");
    fake_qemu_connect(&qemu, guest);
    ck_assert(fake_qemu_take_over(&qemu));
    qemu.mute = true;
    fake_qemu_serve(&qemu);
    guest = find_silent(&rig, &qemu, guest, "");
    qemu.mute = false;
    fake_qemu_serve(&qemu);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "cont\n"));
    assert_shown(guest, GUEST_RUNNING, "");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_another_daemon_finds_silent_is_known_when_qemu_answers)
{
    A_GUEST(build_gpu, "[Agent]\nEnabled=yes\n");
    guest = find_silent(&rig, &qemu, guest, "[Agent]\nEnabled=yes\n");
    qemu.chardevs = "[{\"label\": \"agent\", \"frontend-open\": true}]";
    fake_qemu_serve(&qemu);
    assert_shown(guest, GUEST_RUNNING, "");
    ck_assert_str_eq(guest_inner_agent(guest), "silent");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_another_daemon_finds_silent_and_is_to_stop_does_so_when_qemu_answers)
{
    A_GUEST(build_gpu, "");
    guest = find_silent(&rig, &qemu, guest, "");
    ck_assert_int_eq(guest_stop(guest, NULL, false, NULL), 0);
    qemu.status = "prelaunch";
    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    assert_shown(guest, GUEST_STOPPING, "terminate");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_sleeps_is_woken_before_its_power_button_is_pressed)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    const char *told = stop(&qemu, guest);
    const char *woken = strstr(told, "system_wakeup\n");
    ck_assert_ptr_nonnull(woken);
    ck_assert_ptr_nonnull(strstr(woken, "system_powerdown\n"));
    assert_shown(guest, GUEST_STOPPING, "power-button");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_fell_asleep_unheard_is_woken_for_its_stop)
{
    A_GUEST(build_gpu, "");
    qemu.status = "suspended";
    const char *woken = strstr(stop(&qemu, guest), "system_wakeup\n");
    ck_assert_ptr_nonnull(woken);
    ck_assert_ptr_nonnull(strstr(woken, "system_powerdown\n"));
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_cannot_be_woken_is_not_waited_for)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    qemu.stays = true;
    const char *told = stop(&qemu, guest);
    ck_assert_ptr_null(strstr(told, "system_powerdown\n"));
    ck_assert_ptr_nonnull(strstr(told, "quit\n"));
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_whose_power_button_means_sleep_is_not_woken_again)
{
    A_GUEST(build_gpu, "");
    ck_assert_ptr_nonnull(strstr(stop(&qemu, guest), "system_powerdown\n"));
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    ck_assert_ptr_null(strstr(qemu.commands->str, "system_wakeup\n"));
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(the_power_button_is_pressed_once_somebody_can_hear_it)
{
    A_GUEST(build_gpu, "[Stop]\nPowerButtonSec=4s\n");
    qemu.button = DEAF;
    ck_assert_ptr_null(strstr(stop(&qemu, guest), "system_powerdown\n"));
    assert_shown(guest, GUEST_STOPPING, "power-button");
    qemu.button = HEARS;
    gint64 heard = g_get_monotonic_time();
    while (!strstr(qemu.commands->str, "system_powerdown\n")) {
        ck_assert_int_ge(sd_event_run(rig.engine.event, G_USEC_PER_SEC), 0);
        fake_qemu_serve(&qemu);
    }
    /* The button waits an eighth of its rung's time, until somebody in the guest may listen. */
    ck_assert_int_ge(g_get_monotonic_time() - heard, G_USEC_PER_SEC / 2);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(what_is_not_heard_is_not_waited_for)
{
    static const char *const deaf[] = {
        "guest-panicked", "internal-error", "shutdown",  "postmigrate", "finish-migrate",
        "save-vm",        "restore-vm",     "prelaunch", "inmigrate",   "colo"};

    for (unsigned i = 0; i < G_N_ELEMENTS(deaf); i++) {
        A_GUEST(build_gpu, "[Guest]\nOnPanic=pause\n");
        fake_qemu_run(&qemu, "STOP", deaf[i]);
        assert_shown(guest, GUEST_PAUSED, g_str_equal(deaf[i], "guest-panicked") ? "panicked" : deaf[i]);
        const char *told = stop(&qemu, guest);
        ck_assert_msg(!strstr(told, "cont\n") && !strstr(told, "system_powerdown\n"), "%s: %s", deaf[i],
                      told);
        assert_shown(guest, GUEST_STOPPING, "quit");
        rig_end(&rig, guest);
    }
}
END_TEST

START_TEST(what_is_held_goes_on_to_hear_it)
{
    static const char *const held[] = {"paused", "io-error", "watchdog", "debug"};

    for (unsigned i = 0; i < G_N_ELEMENTS(held); i++) {
        A_GUEST(build_gpu, "");
        fake_qemu_run(&qemu, "STOP", held[i]);
        assert_shown(guest, GUEST_PAUSED, i == 0 ? "" : held[i]);
        const char *on = strstr(stop(&qemu, guest), "cont\n");
        ck_assert_msg(on && strstr(on, "system_powerdown\n"), "%s", held[i]);
        rig_end(&rig, guest);
    }
}
END_TEST

START_TEST(what_stands_still_whatever_it_is_told_is_not_waited_for)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "STOP", "io-error");
    qemu.stays = true;
    ck_assert_ptr_null(strstr(stop(&qemu, guest), "system_powerdown\n"));
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_stands_still_while_it_shuts_down_is_not_waited_for)
{
    A_GUEST(build_gpu, "");
    ck_assert_ptr_nonnull(strstr(stop(&qemu, guest), "system_powerdown\n"));
    assert_shown(guest, GUEST_STOPPING, "power-button");
    fake_qemu_run(&qemu, "STOP", "io-error");
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_has_panicked_and_runs_on_is_not_waited_for_until_it_is_reset)
{
    A_GUEST(build_gpu, "[Guest]\nOnPanic=ignore\n");
    fake_qemu_run(&qemu, "GUEST_PANICKED", "running");
    assert_shown(guest, GUEST_RUNNING, "");
    stop(&qemu, guest);
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);

    A_QEMU(another, &rig);
    guest = rig_run(&rig, &another, "[Guest]\nOnPanic=ignore\n");
    fake_qemu_run(&another, "GUEST_PANICKED", "running");
    fake_qemu_run(&another, "RESET", "running");
    stop(&another, guest);
    assert_shown(guest, GUEST_STOPPING, "power-button");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_panics_while_it_stops_does_not_begin_anew)
{
    A_GUEST(build_gpu, "[Guest]\nOnPanic=reset\n");
    stop(&qemu, guest);
    fake_qemu_run(&qemu, "GUEST_PANICKED", "guest-panicked");
    ck_assert_ptr_null(strstr(qemu.commands->str, "system_reset"));
    assert_shown(guest, GUEST_STOPPING, "quit");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(what_is_not_known_is_shown_and_its_button_pressed)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "STOP", "napping");
    assert_shown(guest, GUEST_PAUSED, "napping");
    const char *told = stop(&qemu, guest);
    ck_assert_ptr_null(strstr(told, "cont\n"));
    ck_assert_ptr_nonnull(strstr(told, "system_powerdown\n"));
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_sleeps_and_is_reset_runs)
{
    A_GUEST(build_gpu, "");
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    ck_assert_int_eq(guest_control(guest, GUEST_CONTROL_RESET, on_controlled, NULL, NULL), 0);
    fake_qemu_serve(&qemu);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "system_reset\ncont\n"));
    g_clear_pointer(&control_words, g_free);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_sleeps_is_not_woken_when_the_host_comes_back)
{
    A_GUEST(build_gpu, "[Guest]\nOnHostSleep=pause\n");
    fake_sleep_set(rig.engine.sleep, HOST_FALLS_ASLEEP, 0);
    guest_sync_sleep(guest);
    /* It puts itself to sleep just then. */
    fake_qemu_run(&qemu, "SUSPEND", "suspended");
    assert_shown(guest, GUEST_PAUSED, "suspended");
    fake_sleep_set(rig.engine.sleep, HOST_AWAKE, 0);
    guest_sync_sleep(guest);
    fake_qemu_serve(&qemu);
    assert_shown(guest, GUEST_PAUSED, "suspended");
    ck_assert_ptr_null(strstr(qemu.commands->str, "system_wakeup"));
    rig_end(&rig, guest);
}
END_TEST

SUITE("guest-run", a_guest_that_has_put_itself_to_sleep_is_shown_so_and_resume_wakes_it,
      a_guest_that_wakes_by_itself_runs, resume_wakes_what_fell_asleep_unheard,
      a_guest_that_sleeps_is_found_so_by_the_next_daemon,
      a_start_that_another_daemon_finds_silent_goes_on_when_qemu_answers,
      a_guest_that_another_daemon_finds_silent_is_known_when_qemu_answers,
      a_guest_that_another_daemon_finds_silent_and_is_to_stop_does_so_when_qemu_answers,
      a_guest_that_sleeps_is_woken_before_its_power_button_is_pressed,
      a_guest_that_fell_asleep_unheard_is_woken_for_its_stop, a_guest_that_cannot_be_woken_is_not_waited_for,
      a_guest_whose_power_button_means_sleep_is_not_woken_again,
      the_power_button_is_pressed_once_somebody_can_hear_it, what_is_not_heard_is_not_waited_for,
      what_is_held_goes_on_to_hear_it, what_stands_still_whatever_it_is_told_is_not_waited_for,
      a_guest_that_stands_still_while_it_shuts_down_is_not_waited_for,
      a_guest_that_has_panicked_and_runs_on_is_not_waited_for_until_it_is_reset,
      a_guest_that_panics_while_it_stops_does_not_begin_anew,
      what_is_not_known_is_shown_and_its_button_pressed, a_guest_that_sleeps_and_is_reset_runs,
      a_guest_that_sleeps_is_not_woken_when_the_host_comes_back)
