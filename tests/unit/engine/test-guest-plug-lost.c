/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are on their way while the guest ends, QEMU says nothing or the daemon dies. */
#include <string.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "plug-try.h"

/* The daemon is gone, and another comes; QEMU stays. */
static void restart(Try *try, bool finish)
{
    rig_lose_daemon(try->rig, try->guest, finish, QEMU_PID);
    try->qemu->qmp_fd = close_fd(try->qemu->qmp_fd);
    try->guest = rig_guest(&try->report);
    g_string_truncate(try->report.devices, 0);
    guest_recover(try->guest, rig_definition(try->rig, ""));
    fake_qemu_serve(try->qemu);
}

START_TEST(a_guest_that_ends_at_any_turn_of_an_attach_is_restored)
{
    for (unsigned turn = 0, more = true; more; turn++) {
        A_RUN(build_gpu, "");
        ask_attach(&try, GPU, NULL);
        for (unsigned i = 0; i < turn && more; i++)
            more = rig_turn(&rig);
        end_guest(&try);
        ck_assert_uint_eq(try.ended, 1);
        ck_assert_str_eq(try.job->fault->message, "guest win10 ended");
    }
}
END_TEST

START_TEST(a_guest_that_ends_at_any_turn_of_a_detach_is_restored)
{
    for (unsigned turn = 0, more = true; more; turn++) {
        A_RUN(build_gpu, OWN);
        ck_assert_int_eq(guest_detach(try.guest, GPU, a_job(&try, JOB_DETACH)), 0);
        rig_settle(&rig);
        qemu.keeps = true;
        fake_qemu_serve(&qemu);
        fake_host_close_group(rig.host, 12);
        g_hash_table_remove_all(qemu.devices);
        for (unsigned i = 0; i < 2; i++) {
            g_autofree char *event = g_strdup_printf(
                "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"pci-gpu-%u\"}}\n", i);
            ck_assert_int_gt(write(qemu.qmp_fd, event, strlen(event)), 0);
        }
        for (unsigned i = 0; i < turn && more; i++)
            more = rig_turn(&rig);
        end_guest(&try);
        ck_assert_uint_eq(try.ended, 1);
    }
}
END_TEST

/* The next daemon believes QEMU. */
START_TEST(a_crash_at_any_turn_of_an_attach_leaves_all_or_nothing)
{
    for (unsigned turn = 0, more = true; more; turn++) {
        A_RUN(build_gpu, "");
        ask_attach(&try, GPU, NULL);
        for (unsigned i = 0; i < turn && more; i++)
            more = rig_turn(&rig);
        restart(&try, turn % 2);
        ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
        ck_assert_uint_eq(guest_devices(try.guest)->len, 0);
        rig_assert_host(&rig, rig.beginning);
        end_guest(&try);
    }
}
END_TEST

START_TEST(after_a_restart_qemu_is_asked_what_it_has)
{
    A_RUN(build_gpu, "");
    attach(&try, GPU);
    restart(&try, true);
    ck_assert_str_eq(try.report.devices->str, "[" GPU " " AUDIO "]");
    rig_assert_driver(&rig, GPU, "vfio-pci");
    detach(&try, GPU);
    assert_ended(&try, "done", NULL);
    rig_assert_host(&rig, rig.beginning);
    end_guest(&try);
}
END_TEST

START_TEST(what_a_guest_let_go_of_while_nobody_listened_is_given_back)
{
    A_RUN(build_gpu, OWN);
    g_hash_table_remove_all(qemu.devices);
    fake_host_close_group(rig.host, 12);
    restart(&try, true);
    ck_assert_uint_eq(guest_devices(try.guest)->len, 0);
    rig_assert_host(&rig, rig.beginning);
    end_guest(&try);
}
END_TEST

/* The card was plugged in without function 0, so the guest has not heard of it. */
START_TEST(half_a_card_is_taken_away_after_a_restart)
{
    A_RUN(build_gpu, "");
    ask_attach(&try, GPU, NULL);
    rig_settle(&rig);
    rig_assert_driver(&rig, GPU, "vfio-pci");
    g_hash_table_insert(qemu.devices, g_strdup("spare-0-1"), g_strdup(AUDIO));
    fake_host_open_group(rig.host, 12);
    restart(&try, true);
    ck_assert_uint_eq(g_hash_table_size(qemu.devices), 0);
    rig_assert_host(&rig, rig.beginning);
    end_guest(&try);
}
END_TEST

START_TEST(a_silent_qemu_is_asked_again_when_it_answers)
{
    A_RUN(build_gpu, "");
    qemu.mute = true;
    attach(&try, GPU);
    rig_until(&rig, &try.ended, 1);
    assert_ended(&try, "timeout", "QEMU of guest win10 does not answer");
    rig_assert_driver(&rig, GPU, "vfio-pci");
    _cleanup_fault_ Fault *fault = NULL;
    ck_assert_int_eq(guest_check_pluggable(try.guest, &fault), FAULT_RAISED);
    ck_assert_int_eq(fault->kind, FAULT_UNRESPONSIVE);
    qemu.mute = false;
    fake_qemu_serve(&qemu);
    rig_assert_host(&rig, rig.beginning);
    end_guest(&try);
}
END_TEST

SUITE("guest-plug-lost", a_guest_that_ends_at_any_turn_of_an_attach_is_restored,
      a_guest_that_ends_at_any_turn_of_a_detach_is_restored,
      a_crash_at_any_turn_of_an_attach_leaves_all_or_nothing, after_a_restart_qemu_is_asked_what_it_has,
      what_a_guest_let_go_of_while_nobody_listened_is_given_back, half_a_card_is_taken_away_after_a_restart,
      a_silent_qemu_is_asked_again_when_it_answers)
