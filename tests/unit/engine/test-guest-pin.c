/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's threads are put where the definition says before the guest runs. */
#include <string.h>

#include "rig-guest.h"

/* It has been launched, and is not placed yet. */
static Guest *a_guest(const Rig *rig, FakeQemu *qemu, const char *cpu)
{
    Guest *guest = rig_start(rig, cpu);

    fake_qemu_launch(qemu, guest);
    return guest;
}

static void guest_drop(Guest **guest)
{
    guest_free(*guest);
}

#define A_PINNED_GUEST(cpu)                                                                                  \
    A_RIG(build_gpu);                                                                                        \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(guest_drop))) Guest *guest = a_guest(&rig, &qemu, "[CPU]\n" cpu)

START_TEST(vcpus_are_placed_before_the_guest_runs)
{
    A_PINNED_GUEST("Pin=6,4\nEmulatorPin=0-1\nIOThreadPin=1\n");

    ck_assert_str_eq(qemu.emulator, "0-1");
    ck_assert_int_eq(guest_state(guest), GUEST_STARTING);
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"placed", NULL});
    ck_assert_str_eq(asked, "place 100 6 101 4 200 1");
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
}
END_TEST

START_TEST(a_set_is_for_all_of_them)
{
    A_PINNED_GUEST("Pin=4-7\n");

    ck_assert_str_eq(qemu.emulator, "-");
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"placed", NULL});
    ck_assert_str_eq(asked, "place 100 4-7 101 4-7");
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
}
END_TEST

START_TEST(a_guest_that_cannot_be_pinned_does_not_run)
{
    A_PINNED_GUEST("Pin=4-7\n");
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"failed", "22", "4-7", NULL});

    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), SIGKILL);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
    ck_assert_str_eq(guest_fault(guest)->message,
                     "guest win10: its vCPUs cannot be pinned: a thread cannot be "
                     "put onto 4-7: Invalid argument");
    rig_assert_restored(&rig);
}
END_TEST

SUITE("guest-pin", vcpus_are_placed_before_the_guest_runs, a_set_is_for_all_of_them,
      a_guest_that_cannot_be_pinned_does_not_run)
