/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's threads are put where the definition says before the guest runs. */
#include <string.h>

#include "fake-qemu.h"

static void on_changed(Guest *guest, void *userdata)
{
}

static void on_rested(Guest *guest, void *userdata)
{
}

static const GuestHandler handler = {on_changed, on_rested};

typedef struct Try {
    Guest *guest;
    Job *start;
} Try;

static void try_free(Try *try)
{
    guest_free(try->guest);
    job_free(try->start);
}

static Try try_new(const Rig *rig, FakeQemu *qemu, const char *cpu)
{
    Try try = {guest_new((Engine *)&rig->engine, "win10", &handler, NULL), job_new(1, JOB_START, "win10")};
    g_autofree char *text =
        g_strconcat("[CPU]\nAccelerator=tcg\n", cpu, "[Console]\nLog=no\n", rig->definition, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;
    g_autoptr(Host) host = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    guest_start(try.guest, definition, plan, try.start, false);
    fake_qemu_connect(qemu, try.guest);
    ck_assert(fake_qemu_take_over(qemu));
    fake_qemu_serve(qemu);
    return try;
}

#define A_TRY(name, rig, qemu, cpu) __attribute__((cleanup(try_free))) Try name = try_new(rig, qemu, cpu)

START_TEST(processors_are_placed_before_the_guest_runs)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    A_TRY(try, &rig, &qemu, "Pin=6,4\nEmulatorPin=0-1\nIOThreadPin=1\n");

    ck_assert_str_eq(qemu.emulator, "0-1");
    ck_assert_int_eq(guest_state(try.guest), GUEST_STARTING);
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"placed", NULL});
    ck_assert_str_eq(asked, "place 100 6 101 4 200 1");
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
}
END_TEST

START_TEST(a_set_is_for_all_of_them)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    A_TRY(try, &rig, &qemu, "Pin=4-7\n");

    ck_assert_str_eq(qemu.emulator, "-");
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"placed", NULL});
    ck_assert_str_eq(asked, "place 100 4-7 101 4-7");
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(try.guest), GUEST_RUNNING);
}
END_TEST

START_TEST(a_guest_that_cannot_be_pinned_does_not_run)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    A_TRY(try, &rig, &qemu, "Pin=4-7\n");
    g_autofree char *asked = fake_qemu_place(&qemu, (const char *const[]){"failed", "22", "4-7", NULL});

    fake_qemu_serve(&qemu);
    ck_assert_ptr_null(strstr(qemu.commands->str, "cont\n"));
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), SIGKILL);
    rig_settle(&rig);
    ck_assert_int_eq(guest_state(try.guest), GUEST_FAILED);
    ck_assert_str_eq(guest_fault(try.guest)->message,
                     "guest win10: its vCPUs cannot be pinned: a thread cannot be "
                     "put onto 4-7: Invalid argument");
    rig_assert_restored(&rig);
}
END_TEST

SUITE("guest-pin", processors_are_placed_before_the_guest_runs, a_set_is_for_all_of_them,
      a_guest_that_cannot_be_pinned_does_not_run)
