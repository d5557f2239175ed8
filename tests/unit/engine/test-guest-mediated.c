/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest with a mediated device, one that was there or one that is made: its node is the guest's for as long
 * as it runs, whatever else comes and goes. */
#include <errno.h>
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/definition/definition.h"
#include "rig-guest.h"

#define NODE "vfio/40 "

typedef struct Try {
    Rig *rig;
    FakeQemu *qemu;
    Guest *guest;
} Try;

static void try_free(Try *try)
{
    guest_free(try->guest);
}

/* The UUID of the guest's section, on a host that nothing tells from others. */
static char *made_uuid(const Rig *rig)
{
    g_autoptr(GuestDefinition) definition = rig_definition(rig, "");
    return definition_mediated(definition, g_ptr_array_index(definition->pci, 0));
}

static void start(Try *try)
{
    try->guest = rig_start(try->rig, "");
}

static void run(Try *try)
{
    try->guest = rig_run(try->rig, try->qemu, "");
}

#define A_TRY(rig, qemu) A_TRY_OF(build_mediated, rig, qemu)
#define A_TRY_OF(build, rig, qemu)                                                                           \
    A_RIG(build);                                                                                            \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(try_free))) Try try = {&rig, &qemu}

static void restart(Try *try, pid_t pid)
{
    rig_lose_daemon(try->rig, try->guest, true, pid);
    try->qemu->qmp_fd = close_fd(try->qemu->qmp_fd);
    try->guest = rig_find(try->rig, "");
}

static void end_qemu(Try *try)
{
    fake_qemu_hang_up(try->qemu);
    fake_launcher_exit(try->rig->engine.launcher, "win10", &(LauncherExit){.known = true});
    rig_settle(try->rig);
}

static void end_guest(Try *try)
{
    end_qemu(try);
    rig_assert_restored(try->rig);
}

static void assert_host_shows(const Try *try, const char *words)
{
    g_autofree char *snapshot = fake_host_snapshot_text(try->rig->host);

    ck_assert_msg(strstr(snapshot, words), "%s: %s", words, snapshot);
}

static void assert_lent(const Try *try, bool lent)
{
    g_autofree char *snapshot = fake_host_snapshot_text(try->rig->host);
    const char *line = strstr(snapshot, NODE);

    ck_assert_ptr_nonnull(line);
    ck_assert_msg(g_str_has_prefix(line, NODE "0:0 ") != lent, "%s", line);
}

START_TEST(it_is_the_guests_until_the_end_and_no_slot)
{
    A_TRY(rig, qemu);
    run(&try);
    assert_lent(&try, true);
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1");
    ck_assert_ptr_nonnull(g_hash_table_lookup(qemu.devices, "pci-vgpu-0"));
    rig_assert_driver(&rig, "0000:02:00.0", "nvidia");
    end_guest(&try);
    assert_lent(&try, false);
}
END_TEST

START_TEST(it_stays_when_another_device_is_let_go)
{
    A_TRY(rig, qemu);
    run(&try);
    fake_qemu_eject(&qemu, "pci-gpu");
    rig_assert_devices(try.guest, "");
    rig_assert_driver(&rig, "0000:01:00.0", "radeon");
    assert_lent(&try, true);
    end_guest(&try);
}
END_TEST

START_TEST(after_a_restart_it_is_neither_taken_for_a_free_slot_nor_given_back)
{
    A_TRY(rig, qemu);
    run(&try);
    restart(&try, QEMU_PID);
    fake_qemu_serve(&qemu);
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1");
    assert_lent(&try, true);
    end_guest(&try);
}
END_TEST

START_TEST(one_that_somebody_has_open_is_refused)
{
    A_TRY(rig, qemu);
    fake_workers_find_holder(rig.engine.workers,
                             holder_new(HOLDER_FILE, "4b20d080-1b54-4048-85b3-a6a62d165c01", "/dev/vfio/40",
                                        90, "qemu", NULL, NULL));
    start(&try);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(try.guest), GUEST_FAILED);
    ck_assert_ptr_nonnull(strstr(guest_fault(try.guest)->message, "4b20d080-1b54-4048-85b3-a6a62d165c01"));
    rig_assert_restored(&rig);
}
END_TEST

/* --- Made for the guest --- */

START_TEST(one_that_is_made_is_the_guests_and_gone_afterwards)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig), *line = g_strconcat(uuid, " nvidia-63 of 0000:02:00.0\n", NULL);
    run(&try);
    assert_host_shows(&try, line);
    assert_host_shows(&try, "vfio/21 64001:64001 600");
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1");
    ck_assert_ptr_nonnull(g_hash_table_lookup(qemu.devices, "pci-vgpu-0"));
    rig_assert_driver(&rig, "0000:02:00.0", "nvidia");
    end_guest(&try);
}
END_TEST

START_TEST(one_that_is_made_stays_when_another_device_is_let_go)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig);
    run(&try);
    fake_qemu_eject(&qemu, "pci-gpu");
    rig_assert_devices(try.guest, "");
    assert_host_shows(&try, uuid);
    assert_host_shows(&try, "vfio/21 64001:64001 600");
    end_guest(&try);
}
END_TEST

START_TEST(one_that_is_made_is_there_after_a_restart_and_gone_after_the_guest)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig);
    run(&try);
    restart(&try, QEMU_PID);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
    assert_host_shows(&try, uuid);
    end_guest(&try);
}
END_TEST

START_TEST(a_crash_at_any_turn_of_a_start_that_makes_one_leaves_nothing_behind)
{
    for (unsigned turn = 0, more = true; more; turn++) {
        A_TRY_OF(build_mediated_type, rig, qemu);
        start(&try);
        for (unsigned i = 0; i < turn && more; i++)
            more = rig_turn(&rig);
        restart(&try, 0);
        rig_settle(&rig);
        rig_assert_restored(&rig);
    }
}
END_TEST

/* The last step of the undo: the device that was made first is removed last. */
static unsigned last_step(const Rig *rig)
{
    return 2 * fake_workers_steps(rig->engine.workers) - 1;
}

START_TEST(one_that_cannot_be_removed_is_named_by_its_card_and_removed_when_told_to)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    run(&try);
    fake_workers_fail(rig.engine.workers, last_step(&rig), EBUSY);
    end_qemu(&try);
    ck_assert_int_eq(guest_state(try.guest), GUEST_FAILED);
    ck_assert_ptr_nonnull(strstr(guest_fault(try.guest)->message, "it is nvidia-63@0000:02:00.0"));
    ck_assert(guest_has_leftovers(try.guest));
    rig_assert_devices(try.guest, "0000:01:00.0 0000:01:00.1 0000:02:00.0");
    fake_workers_fail(rig.engine.workers, 0, 0);
    Job *job = job_new(1, JOB_RESTORE, "0000:02:00.0");
    guest_restore(try.guest, job, true);
    rig_settle(&rig);
    ck_assert_str_eq(job->result, "done");
    rig_assert_restored(&rig);
    job_free(job);
}
END_TEST

START_TEST(one_that_somebody_removed_is_given_back)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig);
    run(&try);
    fake_host_remove_mediated(rig.host, uuid);
    end_guest(&try);
}
END_TEST

START_TEST(one_that_somebody_else_made_anew_is_left_and_its_card_named)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig);
    run(&try);
    fake_host_remove_mediated(rig.host, uuid);
    fake_host_add_mediated(rig.host, uuid, "0000:02:00.0", "nvidia-64", 33);
    end_qemu(&try);
    ck_assert_int_eq(guest_fault(try.guest)->kind, FAULT_DRIFT);
    ck_assert_ptr_nonnull(strstr(guest_fault(try.guest)->message, "is nvidia-64@0000:02:00.0, neither "));
    ck_assert_str_eq(guest_fault(try.guest)->remedy,
                     "somebody else changed it; put it right by hand, then: usherctl restore 0000:02:00.0");
}
END_TEST

START_TEST(one_that_somebody_else_has_just_made_is_left_alone)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig),
                    *said = g_strdup_printf("mediated-device of %s is nvidia-63@0000:02:00.0 already", uuid);
    start(&try);
    fake_host_add_mediated(rig.host, uuid, "0000:02:00.0", "nvidia-63", 33);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(try.guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(try.guest)->kind, FAULT_DRIFT);
    ck_assert_str_eq(guest_fault(try.guest)->message, said);
    ck_assert(!guest_has_leftovers(try.guest));
    assert_host_shows(&try, uuid);
}
END_TEST

/* Its removal hangs as long as somebody has it open. */
START_TEST(a_removal_that_hangs_is_marked_until_it_has_come_back)
{
    A_TRY_OF(build_mediated_type, rig, qemu);
    g_autofree char *uuid = made_uuid(&rig), *mark = g_build_filename(rig.run_path, "steps", uuid, NULL);
    run(&try);
    fake_workers_hang(rig.engine.workers, last_step(&rig));
    end_qemu(&try);
    ck_assert(fake_workers_hanging(rig.engine.workers));
    ck_assert(g_hash_table_contains(rig.engine.busy, uuid));
    ck_assert(g_file_test(mark, G_FILE_TEST_EXISTS));
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    rig_assert_restored(&rig);
    ck_assert(!g_file_test(mark, G_FILE_TEST_EXISTS));
}
END_TEST

SUITE("guest-mediated", one_that_is_made_is_the_guests_and_gone_afterwards,
      one_that_is_made_stays_when_another_device_is_let_go,
      one_that_is_made_is_there_after_a_restart_and_gone_after_the_guest,
      a_crash_at_any_turn_of_a_start_that_makes_one_leaves_nothing_behind,
      one_that_somebody_else_made_anew_is_left_and_its_card_named,
      one_that_cannot_be_removed_is_named_by_its_card_and_removed_when_told_to,
      one_that_somebody_removed_is_given_back, one_that_somebody_else_has_just_made_is_left_alone,
      a_removal_that_hangs_is_marked_until_it_has_come_back, it_is_the_guests_until_the_end_and_no_slot,
      it_stays_when_another_device_is_let_go,
      after_a_restart_it_is_neither_taken_for_a_free_slot_nor_given_back,
      one_that_somebody_has_open_is_refused)
