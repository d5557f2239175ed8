/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest for which virtual functions are made: what becomes of them when the rest is refused, when the
 * daemon dies, and when the guest lets go of them. */
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "rig-guest.h"

#define CARD "0000:02:00.0"
#define FIRST "0000:02:00.2"

typedef struct Try {
    Rig *rig;
    FakeQemu *qemu;
    Guest *guest;
    RigReport report;
} Try;

static void try_free(Try *try)
{
    guest_free(try->guest);
}

static void start(Try *try)
{
    try->guest = rig_guest(&try->report);
    rig_begin(try->rig, try->guest, rig_definition(try->rig, ""), NULL);
}

static void run(Try *try)
{
    start(try);
    fake_qemu_launch(try->qemu, try->guest);
    ck_assert_int_eq(guest_state(try->guest), GUEST_RUNNING);
}

#define A_TRY(rig, qemu)                                                                                     \
    A_RIG(build_functions);                                                                                  \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(try_free))) Try try = {&rig, &qemu, .report = {.rig = &rig}}

static void restart(Try *try, pid_t pid)
{
    rig_lose_daemon(try->rig, try->guest, true, pid);
    try->qemu->qmp_fd = close_fd(try->qemu->qmp_fd);
    try->guest = rig_guest(&try->report);
    guest_recover(try->guest, rig_definition(try->rig, ""));
}

static void end_guest(Try *try)
{
    fake_qemu_hang_up(try->qemu);
    rig_rest(try->rig, try->guest);
}

START_TEST(they_are_made_and_the_rest_is_planned_when_they_are_there)
{
    A_TRY(rig, qemu);
    run(&try);
    ck_assert_uint_eq(try.report.rests, 1);
    rig_assert_devices(try.guest, FIRST " 0000:02:00.4 0000:01:00.0 0000:01:00.1");
    ck_assert_str_eq(g_hash_table_lookup(qemu.devices, "pci-nic-0"), FIRST);
    rig_assert_driver(&rig, FIRST, "vfio-pci");
    rig_assert_driver(&rig, CARD, "e1000e");
    end_guest(&try);
}
END_TEST

START_TEST(a_rest_that_is_refused_leaves_nothing_behind)
{
    A_TRY(rig, qemu);
    try.report.refusal = "group 20 also holds others";
    start(&try);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(try.guest), GUEST_FAILED);
    ck_assert_str_eq(guest_fault(try.guest)->message, "group 20 also holds others");
    ck_assert_uint_eq(try.report.rested, 1);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_crash_at_any_turn_of_a_start_leaves_nothing_behind)
{
    for (unsigned turn = 0, more = true; more; turn++) {
        A_TRY(rig, qemu);
        start(&try);
        for (unsigned i = 0; i < turn && more; i++)
            more = rig_turn(&rig);
        restart(&try, 0);
        rig_settle(&rig);
        rig_assert_restored(&rig);
    }
}
END_TEST

START_TEST(after_a_restart_the_card_is_not_taken_for_one_of_the_guests_and_keeps_its_functions)
{
    A_TRY(rig, qemu);
    run(&try);
    restart(&try, QEMU_PID);
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1 " FIRST " 0000:02:00.4");
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
    rig_assert_driver(&rig, FIRST, "vfio-pci");
    end_guest(&try);
}
END_TEST

START_TEST(a_guest_that_lets_go_of_them_has_them_unmade)
{
    A_TRY(rig, qemu);
    run(&try);
    fake_qemu_eject(&qemu, "pci-nic");
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1");
    g_autofree char *snapshot = fake_host_snapshot_text(rig.host);
    ck_assert_ptr_nonnull(strstr(snapshot, "functions=0 autoprobe=1"));
    ck_assert_ptr_nonnull(strstr(snapshot, "0000:01:00.0 driver=vfio-pci"));
    end_guest(&try);
}
END_TEST

static void attach(Try *try, Job *job)
{
    g_autoptr(Host) host = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    BindWish wish = {};
    Plan *plan = NULL;

    pci_address_from_string(CARD, &wish.address);
    ck_assert_int_eq(host_scan(&try->rig->engine.host_place, NULL, &host), 0);
    int r = plan_attach(host, NULL, OWNER, &wish, guest_section(try->guest, wish.address), &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : "?");
    ck_assert_int_eq(guest_check_attach(try->guest, plan, &fault), 0);
    guest_attach(try->guest, plan, CARD, job);
    fake_qemu_serve(try->qemu);
}

START_TEST(they_are_made_again_for_a_guest_that_runs)
{
    A_TRY(rig, qemu);
    Job *job = job_new(1, JOB_ATTACH, "win10"), *refused = job_new(2, JOB_ATTACH, "win10");
    run(&try);
    fake_qemu_eject(&qemu, "pci-nic");
    try.report.refusal = "group 20 also holds others";
    attach(&try, refused);
    ck_assert_str_eq(refused->result, "refused");
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1");
    try.report.refusal = NULL;
    attach(&try, job);
    ck_assert_str_eq(job->result, "done");
    rig_assert_devices(try.guest, FIRST " 0000:02:00.4 0000:01:00.0 0000:01:00.1");
    ck_assert_str_eq(g_hash_table_lookup(qemu.devices, "pci-nic-1"), "0000:02:00.4");
    end_guest(&try);
    job_free(job);
    job_free(refused);
}
END_TEST

SUITE("guest-functions", they_are_made_again_for_a_guest_that_runs,
      they_are_made_and_the_rest_is_planned_when_they_are_there, a_rest_that_is_refused_leaves_nothing_behind,
      a_crash_at_any_turn_of_a_start_leaves_nothing_behind,
      after_a_restart_the_card_is_not_taken_for_one_of_the_guests_and_keeps_its_functions,
      a_guest_that_lets_go_of_them_has_them_unmade)
