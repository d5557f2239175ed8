/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's sleep, with a logind and a QEMU that do what the test says. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig-guest.h"

#define OWNS "block: guest win10 owns 0000:01:00.0, 0000:01:00.1\n"

static void on_event(Guest *guest, void *userdata)
{
}

static const GuestHandler handler = {on_event, on_event};

static void set_host(const Rig *rig, Guest *guest, HostWake host)
{
    fake_sleep_set(rig->engine.sleep, host, sleep_delay_usec(rig->engine.sleep));
    guest_sync_sleep(guest);
}

static void assert_locks(const Rig *rig, const char *expected)
{
    rig_settle(rig);
    ck_assert_str_eq(fake_sleep_locks(rig->engine.sleep), expected);
}

static void end(const Rig *rig, Guest *guest)
{
    fake_launcher_exit(rig->engine.launcher, "win10", &(LauncherExit){.known = true});
    rig_settle(rig);
    ck_assert(guest_at_rest(guest));
    assert_locks(rig, "");
    guest_free(guest);
}

START_TEST(a_guest_with_devices_keeps_the_host_awake_until_they_are_back)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "");
    assert_locks(&rig, OWNS);
    guest_kill(guest, NULL, NULL);
    ck_assert_str_eq(fake_sleep_locks(rig.engine.sleep), OWNS);
    assert_locks(&rig, "");
    ck_assert(guest_at_rest(guest));
    guest_free(guest);
}
END_TEST

START_TEST(a_guest_that_keeps_the_host_awake_runs_on_when_somebody_insists)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=inhibit\n");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, OWNS);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    set_host(&rig, guest, HOST_AWAKE);
    assert_locks(&rig, OWNS);
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_is_paused_before_the_host_sleeps_and_goes_on_after_it)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=pause\n");
    assert_locks(&rig, "delay: guest win10 is paused before\n");

    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, "delay: guest win10 is paused before\n");
    guest_sync_sleep(guest);
    fake_qemu_serve(&qemu);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "query-status\nstop\n"));
    ck_assert_int_eq(guest_state(guest), GUEST_PAUSED);
    ck_assert_str_eq(guest_sub_state(guest), "host-sleep");
    assert_locks(&rig, "");

    set_host(&rig, guest, HOST_AWAKE);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    assert_locks(&rig, "delay: guest win10 is paused before\n");
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_somebody_paused_stays_so)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=pause\n");
    qemu.status = "paused";
    ck_assert_int_ge(send(qemu.qmp_fd, "{\"event\": \"STOP\"}\n", 18, 0), 18);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_PAUSED);

    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, "");
    ck_assert_str_eq(guest_sub_state(guest), "");
    set_host(&rig, guest, HOST_AWAKE);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_PAUSED);
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_is_paused_for_sleep_goes_on_under_the_next_daemon)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=pause\n");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    fake_qemu_serve(&qemu);

    rig_die(&rig, false);
    guest_free(guest);
    rig_come_again(&rig);
    fake_sleep_set(rig.engine.sleep, HOST_WAKE_UNKNOWN, 0);
    fake_launcher_found(rig.engine.launcher, "win10", QEMU_PID);
    guest = guest_new(&rig.engine, "win10", &handler, NULL);
    guest_recover(guest, rig_definition(&rig, "[Guest]\nOnHostSleep=pause\n"));
    close(qemu.qmp_fd);
    qemu.qmp_fd = -1;
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(guest_sub_state(guest), "host-sleep");
    set_host(&rig, guest, HOST_AWAKE);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    end(&rig, guest);
}
END_TEST

START_TEST(the_next_daemon_keeps_the_host_awake_for_the_same_reason)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "");
    rig_die(&rig, false);
    guest_free(guest);
    rig_come_again(&rig);
    fake_launcher_found(rig.engine.launcher, "win10", QEMU_PID);
    guest = guest_new(&rig.engine, "win10", &handler, NULL);
    guest_recover(guest, rig_definition(&rig, ""));
    close(qemu.qmp_fd);
    qemu.qmp_fd = -1;
    fake_qemu_serve(&qemu);
    assert_locks(&rig, OWNS);
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_does_not_answer_does_not_hold_the_host_up)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=pause\n");
    qemu.mute = true;
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    ck_assert_str_eq(fake_sleep_locks(rig.engine.sleep), "delay: guest win10 is paused before\n");
    while (guest_state(guest) != GUEST_UNRESPONSIVE)
        ck_assert_int_gt(sd_event_run(rig.engine.event, 20 * G_USEC_PER_SEC), 0);
    assert_locks(&rig, "");
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_is_shut_down_before_the_host_sleeps)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    fake_sleep_set(rig.engine.sleep, HOST_AWAKE, 90 * G_USEC_PER_SEC);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=shutdown\n");
    assert_locks(&rig, "delay: guest win10 shuts down before\n");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    ck_assert_str_eq(guest_sub_state(guest), "power-button");
    guest_sync_sleep(guest);
    assert_locks(&rig, "delay: guest win10 shuts down before\n");
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_has_too_little_time_to_shut_down_keeps_the_host_awake)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=shutdown\n");
    assert_locks(&rig, "block: guest win10 may need 75 s to shut down, InhibitDelayMaxSec= gives 5 s\n");
    fake_sleep_set(rig.engine.sleep, HOST_AWAKE, 75 * G_USEC_PER_SEC);
    guest_sync_sleep(guest);
    assert_locks(&rig, "delay: guest win10 shuts down before\n");
    end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_does_not_mind_takes_no_lock)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=ignore\n");
    assert_locks(&rig, "");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, "");
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    end(&rig, guest);
}
END_TEST

SUITE("guest-sleep", a_guest_with_devices_keeps_the_host_awake_until_they_are_back,
      a_guest_that_keeps_the_host_awake_runs_on_when_somebody_insists,
      a_guest_is_paused_before_the_host_sleeps_and_goes_on_after_it, a_guest_that_somebody_paused_stays_so,
      a_guest_that_is_paused_for_sleep_goes_on_under_the_next_daemon,
      the_next_daemon_keeps_the_host_awake_for_the_same_reason,
      a_guest_that_does_not_answer_does_not_hold_the_host_up, a_guest_is_shut_down_before_the_host_sleeps,
      a_guest_that_has_too_little_time_to_shut_down_keeps_the_host_awake,
      a_guest_that_does_not_mind_takes_no_lock)
