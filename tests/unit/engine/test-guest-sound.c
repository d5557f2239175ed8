/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest and the sound server that it plays on. */

#include "../scratch.h"
#include "rig-guest.h"

static Guest *start(const Rig *rig, const char *socket)
{
    g_autofree char *more = g_strdup_printf("[Sound]\nType=pipewire\nOptional=no\nSocket=%s\n", socket);
    return rig_start(rig, more);
}

static Guest *start_with_socket(const Rig *rig)
{
    g_autofree char *socket = g_build_filename(rig->run_path, "native", NULL);

    if (!g_file_test(socket, G_FILE_TEST_EXISTS))
        scratch_put_socket(socket);
    return start(rig, socket);
}

START_TEST(the_socket_is_opened_and_handed_over_with_the_command)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    Guest *guest = start_with_socket(&rig);

    fake_qemu_connect(&qemu, guest);
    ck_assert(fake_qemu_take_over(&qemu));
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
    fake_launcher_exit(rig.engine.launcher, "win10", &(LauncherExit){.known = true});
    rig_settle(&rig);
    guest_free(guest);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_socket_that_is_not_there_refuses_the_start_before_anything_is_touched)
{
    A_RIG(build_gpu);
    Guest *guest = start(&rig, "/no/such/native");

    rig_settle(&rig);
    ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(guest)->kind, FAULT_MISSING_FILE);
    ck_assert_str_eq(guest_fault(guest)->message,
                     "guest win10: [Sound] Socket=/no/such/native: No such file or directory");
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
    guest_free(guest);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_guest_that_is_stopped_while_its_socket_is_opened_touches_nothing)
{
    A_RIG(build_gpu);

    for (unsigned turns = 0; turns < 4; turns++) {
        Guest *guest = start_with_socket(&rig);
        for (unsigned i = 0; i < turns; i++)
            rig_turn(&rig);
        guest_stop(guest, NULL, false, NULL);
        rig_settle(&rig);
        ck_assert(guest_at_rest(guest));
        guest_free(guest);
        rig_assert_restored(&rig);
    }
}
END_TEST

SUITE("guest-sound", the_socket_is_opened_and_handed_over_with_the_command,
      a_socket_that_is_not_there_refuses_the_start_before_anything_is_touched,
      a_guest_that_is_stopped_while_its_socket_is_opened_touches_nothing)
