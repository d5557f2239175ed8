/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the host's sleep, with a logind and a QEMU that do what the test says. */
#include <string.h>
#include <sys/socket.h>

#include "rig-guest.h"

#define PAUSE "[Guest]\nOnHostSleep=pause\n"
#define PAUSES "delay: guest win10 is paused before the host sleeps\n"
#define OWNS "block: guest win10 owns 0000:01:00.0, 0000:01:00.1\n"

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

START_TEST(a_guest_with_devices_keeps_the_host_awake_until_they_are_back)
{
    A_GUEST(build_gpu, "");
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
    A_GUEST(build_gpu, "[Guest]\nOnHostSleep=inhibit\n");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, OWNS);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    set_host(&rig, guest, HOST_AWAKE);
    assert_locks(&rig, OWNS);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_is_paused_before_the_host_sleeps_and_goes_on_after_it)
{
    A_GUEST(build_gpu, PAUSE);
    assert_locks(&rig, PAUSES);

    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, PAUSES);
    guest_sync_sleep(guest);
    fake_qemu_serve(&qemu);
    ck_assert_ptr_nonnull(strstr(qemu.commands->str, "query-status\nstop\n"));
    ck_assert_int_eq(guest_state(guest), GUEST_PAUSED);
    ck_assert_str_eq(guest_sub_state(guest), "host-sleep");
    assert_locks(&rig, "");

    set_host(&rig, guest, HOST_AWAKE);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    assert_locks(&rig, PAUSES);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_somebody_paused_stays_so)
{
    A_GUEST(build_gpu, PAUSE);
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
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_is_paused_for_sleep_goes_on_under_the_next_daemon)
{
    A_GUEST(build_gpu, PAUSE);
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    fake_qemu_serve(&qemu);

    rig_restart(&rig, &qemu, guest);
    fake_sleep_set(rig.engine.sleep, HOST_WAKE_UNKNOWN, 0);
    guest = rig_find(&rig, PAUSE);
    fake_qemu_serve(&qemu);
    ck_assert_str_eq(guest_sub_state(guest), "host-sleep");
    set_host(&rig, guest, HOST_AWAKE);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(the_next_daemon_keeps_the_host_awake_for_the_same_reason)
{
    A_GUEST(build_gpu, "");
    rig_restart(&rig, &qemu, guest);
    guest = rig_find(&rig, "");
    fake_qemu_serve(&qemu);
    assert_locks(&rig, OWNS);
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_does_not_answer_does_not_hold_the_host_up)
{
    A_GUEST(build_gpu, PAUSE);
    qemu.mute = true;
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    ck_assert_str_eq(fake_sleep_locks(rig.engine.sleep), PAUSES);
    while (guest_state(guest) != GUEST_UNRESPONSIVE)
        ck_assert_int_gt(sd_event_run(rig.engine.event, 20 * G_USEC_PER_SEC), 0);
    assert_locks(&rig, "");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_is_shut_down_before_the_host_sleeps)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    fake_sleep_set(rig.engine.sleep, HOST_AWAKE, 90 * G_USEC_PER_SEC);
    Guest *guest = rig_run(&rig, &qemu, "[Guest]\nOnHostSleep=shutdown\n");
    assert_locks(&rig, "delay: guest win10 shuts down before the host sleeps\n");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    ck_assert_str_eq(guest_sub_state(guest), "power-button");
    guest_sync_sleep(guest);
    assert_locks(&rig, "delay: guest win10 shuts down before the host sleeps\n");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_has_too_little_time_to_shut_down_keeps_the_host_awake)
{
    A_GUEST(build_gpu, "[Guest]\nOnHostSleep=shutdown\n");
    assert_locks(&rig, "block: guest win10 may need 75 s to shut down, and InhibitDelayMaxSec= gives 5 s\n");
    fake_sleep_set(rig.engine.sleep, HOST_AWAKE, 75 * G_USEC_PER_SEC);
    guest_sync_sleep(guest);
    assert_locks(&rig, "delay: guest win10 shuts down before the host sleeps\n");
    rig_end(&rig, guest);
}
END_TEST

START_TEST(a_guest_that_does_not_mind_takes_no_lock)
{
    A_GUEST(build_gpu, "[Guest]\nOnHostSleep=ignore\n");
    assert_locks(&rig, "");
    set_host(&rig, guest, HOST_FALLS_ASLEEP);
    assert_locks(&rig, "");
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    rig_end(&rig, guest);
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
