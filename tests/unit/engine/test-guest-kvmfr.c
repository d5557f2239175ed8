/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the memory of Looking Glass's module, which is not to be had here: what is opened in its place
 * has the size that a test says. */

#include "manager-up.h"
#include "rig-guest.h"

#define DEVICE "[LookingGlass]\nDevice=/dev/kvmfr0\n"

static void assert_start_refused(const Rig *rig, FaultKind kind, const char *message)
{
    Guest *guest = rig_start(rig, DEVICE);

    rig_settle(rig);
    ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(guest)->kind, kind);
    ck_assert_str_eq(guest_fault(guest)->message, message);
    ck_assert_uint_eq(fake_workers_steps(rig->engine.workers), 0);
    guest_free(guest);
    rig_assert_restored(rig);
}

START_TEST(a_device_without_a_size_refuses_the_start_before_anything_is_touched)
{
    A_RIG(build_gpu);
    assert_start_refused(
        &rig, FAULT_REFUSED,
        "guest win10: [LookingGlass] Device=/dev/kvmfr0: the device does not say how much memory it has");
    ck_assert_ptr_null(disk_claims_other(rig.engine.disks, "/dev/kvmfr0", ""));
}
END_TEST

START_TEST(a_device_that_another_guest_has_is_refused)
{
    A_RIG(build_gpu);
    disk_claims_take(rig.engine.disks, "/dev/kvmfr0", true, "other");
    assert_start_refused(&rig, FAULT_IN_USE,
                         "guest win10: [LookingGlass] Device=/dev/kvmfr0 is in use by guest other");
    ck_assert_str_eq(disk_claims_other(rig.engine.disks, "/dev/kvmfr0", ""), "other");
}
END_TEST

static void on_checked(const GPtrArray *steps, const Fault *fault, void *userdata)
{
    char **said = userdata;

    *said = fault ? fault_to_line(fault) : g_strdup("fine");
}

START_TEST(a_device_of_any_size_passes_a_check_of_the_guests_files)
{
    A_RIG(build_gpu);
    g_autofree char *text = g_strconcat(rig.definition, DEVICE, NULL), *said = NULL;
    define(&rig, "other", text);
    _cleanup_manager_ Manager *manager = come_up(&rig);

    fake_workers_put_kvmfr(rig.engine.workers, UINT64_C(64) << 20);
    /* QEMU is asked for a command line with a size that is assumed. */
    fake_probe_learn(rig.engine.probe);
    ck_assert_int_eq(manager_check_files(manager, "other", true, on_checked, &said, NULL), 0);
    rig_settle(&rig);
    ck_assert_ptr_nonnull(said);
    ck_assert_str_eq(said, "fine");
}
END_TEST

SUITE("guest-kvmfr", a_device_without_a_size_refuses_the_start_before_anything_is_touched,
      a_device_that_another_guest_has_is_refused, a_device_of_any_size_passes_a_check_of_the_guests_files)
