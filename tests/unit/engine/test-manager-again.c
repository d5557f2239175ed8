/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that end and are started again: OnReboot=, OnPowerOff=, OnCrash=. */
#include <string.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/engine/guest/revival.h"
#include "fake-qemu.h"
#include "manager-left.h"

static const LauncherExit killed = {.known = true, .by_signal = true, .status = 11};

static Guest *win10(Manager *manager)
{
    return (Guest *)view_of(manager, "win10").guest;
}

static Manager *restart(Rig *rig, Manager *manager)
{
    rig_die(rig, false);
    manager_free(manager);
    rig_come_again(rig);
    return come_up(rig);
}

/* The daemon with the rig's guest, whose definition has these keys in [Guest]; it runs. */
static Manager *run_with(Rig *rig, FakeQemu *qemu, const char *keys)
{
    g_autofree char *text = g_strconcat(rig->definition, "[Guest]\n", keys, NULL);
    unsigned job;

    rig->definition = g_intern_string(text);
    Manager *manager = come_up(rig);
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    fake_qemu_launch(qemu, win10(manager));
    ck_assert_int_eq(guest_state(win10(manager)), GUEST_RUNNING);
    return manager;
}
#define A_RUN_WITH(keys)                                                                                     \
    A_RIG(build_reset);                                                                                      \
    A_QEMU(first, &rig);                                                                                     \
    A_QEMU(second, &rig);                                                                                    \
    _cleanup_manager_ Manager *manager = run_with(&rig, &first, keys)

static void assert_rests(const Rig *rig, Manager *manager, GuestState state)
{
    rig_settle(rig);
    ck_assert_str_eq(guest_state_to_string(guest_state(win10(manager))), guest_state_to_string(state));
    ck_assert(guest_at_rest(win10(manager)));
    rig_assert_restored(rig);
}

/* Its devices were with the host in between: the second start has taken every step once more. */
static void assert_comes_again(const Rig *rig, Manager *manager, FakeQemu *qemu)
{
    rig_settle(rig);
    ck_assert_str_eq(guest_state_to_string(guest_state(win10(manager))), "preparing");
    fake_qemu_launch(qemu, win10(manager));
    ck_assert_int_eq(guest_state(win10(manager)), GUEST_RUNNING);
}

static void assert_fault(Manager *manager, const char *words)
{
    const Fault *fault = guest_fault(win10(manager));

    ck_assert_msg(fault && strstr(fault->message, words), "%s", fault ? fault->message : "no fault");
}

START_TEST(a_guest_that_reboots_is_started_again_with_devices_that_were_back)
{
    A_RUN_WITH("OnReboot=restart\n");
    unsigned steps = fake_workers_steps(rig.engine.workers);
    fake_qemu_end(&first, "guest-reset");
    assert_comes_again(&rig, manager, &second);
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 3 * steps);
    ck_assert_str_eq(fake_host_mishaps(rig.host), "");
    ck_assert_ptr_null(guest_fault(win10(manager)));
}
END_TEST

START_TEST(the_reset_button_is_a_reboot_and_a_power_off_is_none)
{
    A_RUN_WITH("OnReboot=restart\n");
    fake_qemu_end(&first, "host-qmp-system-reset");
    assert_comes_again(&rig, manager, &second);
    fake_qemu_end(&second, "guest-shutdown");
    assert_rests(&rig, manager, GUEST_STOPPED);
}
END_TEST

START_TEST(a_guest_is_started_again_for_what_its_definition_says_alone)
{
    static const struct {
        const char *keys, *reason;
        bool again;
    } cases[] = {{"OnReboot=stop\n", "guest-reset", false},
                 {"OnReboot=stop\nOnPowerOff=restart\n", "guest-reset", false},
                 {"OnPowerOff=restart\n", "guest-shutdown", true},
                 {"OnPowerOff=stop\nOnCrash=restart\n", "guest-shutdown", false},
                 {"OnPowerOff=restart\nOnCrash=restart\n", "host-signal", false},
                 {"OnPowerOff=restart\nOnCrash=restart\n", "host-qmp-quit", false}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        A_RUN_WITH(cases[i].keys);
        fake_qemu_end(&first, cases[i].reason);
        if (cases[i].again)
            assert_comes_again(&rig, manager, &second);
        else
            assert_rests(&rig, manager, GUEST_STOPPED);
    }
}
END_TEST

START_TEST(a_reset_that_only_words_for_qemu_make_an_end_is_an_end)
{
    A_RIG(build_reset);
    A_QEMU(qemu, &rig);
    rig.engine.allow_qemu_arguments = true;
    _cleanup_manager_ Manager *manager = run_with(&rig, &qemu, "[QEMU]\nArguments=-no-reboot\n");
    fake_qemu_end(&qemu, "guest-reset");
    assert_rests(&rig, manager, GUEST_STOPPED);
}
END_TEST

START_TEST(a_guest_that_hibernates_stays_off)
{
    A_RUN_WITH("OnPowerOff=restart\nSuspend=yes\n");
    fake_qemu_run(&first, "SUSPEND_DISK", "running");
    fake_qemu_end(&first, "guest-shutdown");
    assert_rests(&rig, manager, GUEST_STOPPED);
}
END_TEST

START_TEST(a_qemu_that_dies_is_started_again_where_that_is_wanted)
{
    A_RUN_WITH("OnCrash=restart\n");
    fake_launcher_exit(rig.engine.launcher, "win10", &killed);
    assert_comes_again(&rig, manager, &second);
    ck_assert_ptr_null(guest_fault(win10(manager)));
}
END_TEST

START_TEST(a_qemu_that_dies_fails_otherwise)
{
    A_RUN_WITH("OnReboot=restart\nOnPowerOff=restart\n");
    fake_launcher_exit(rig.engine.launcher, "win10", &killed);
    assert_rests(&rig, manager, GUEST_FAILED);
    assert_fault(manager, "killed by signal 11");
}
END_TEST

START_TEST(a_qemu_that_dies_at_its_start_is_not_started_again)
{
    A_RUN_WITH("OnReboot=restart\nOnCrash=restart\n");
    fake_qemu_end(&first, "guest-reset");
    rig_settle(&rig);
    fake_qemu_connect(&second, win10(manager));
    ck_assert(fake_qemu_take_over(&second));
    rig_settle(&rig);
    ck_assert_str_eq(guest_state_to_string(guest_state(win10(manager))), "starting");
    fake_launcher_exit(rig.engine.launcher, "win10", &killed);
    assert_rests(&rig, manager, GUEST_FAILED);
    assert_fault(manager, "killed by signal 11");
}
END_TEST

START_TEST(a_guest_that_reboots_again_and_again_is_given_up)
{
    A_RUN_WITH("OnReboot=restart\n");
    fake_qemu_end(&first, "guest-reset");
    for (unsigned i = 0; i < REVIVALS_MAX; i++) {
        A_QEMU(next, &rig);
        assert_comes_again(&rig, manager, &next);
        fake_qemu_end(&next, "guest-reset");
    }
    assert_rests(&rig, manager, GUEST_FAILED);
    assert_fault(manager, "guest win10 is not started again: it was started again 5 times within 5 minutes, "
                          "and once more it rebooted");
    unsigned job;
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    A_QEMU(person, &rig);
    rig_settle(&rig);
    fake_qemu_launch(&person, win10(manager));
    fake_qemu_end(&person, "guest-reset");
    assert_comes_again(&rig, manager, &second);
}
END_TEST

START_TEST(a_stop_while_the_devices_go_back_is_a_stop)
{
    for (unsigned turn = 0; turn < 40; turn++) {
        A_RUN_WITH("OnReboot=restart\n");
        Fault *fault = NULL;
        unsigned job;
        fake_qemu_end(&first, "guest-reset");
        for (unsigned i = 0; i < turn; i++)
            rig_turn(&rig);
        int r = manager_stop(manager, "win10", false, &job, &fault);
        ck_assert(r == 0 || fault->kind == FAULT_NOT_RUNNING);
        fault_free(fault);
        assert_rests(&rig, manager, GUEST_STOPPED);
    }
}
END_TEST

START_TEST(a_daemon_that_dies_in_between_starts_it_all_the_same)
{
    for (unsigned turn = 0; turn < 40; turn++) {
        A_RUN_WITH("OnReboot=restart\n");
        fake_qemu_end(&first, "guest-reset");
        for (unsigned i = 0; i < turn; i++)
            rig_turn(&rig);
        manager = restart(&rig, manager);
        assert_comes_again(&rig, manager, &second);
        fake_qemu_end(&second, "guest-shutdown");
        assert_rests(&rig, manager, GUEST_STOPPED);
        manager = restart(&rig, manager);
        assert_rests(&rig, manager, GUEST_STOPPED);
    }
}
END_TEST

START_TEST(a_daemon_that_dies_before_qemu_has_gone_knows_why_it_went)
{
    A_RUN_WITH("OnReboot=restart\n");
    fake_qemu_shut_down(&first, "guest-reset");
    manager = restart(&rig, manager);
    assert_comes_again(&rig, manager, &second);
}
END_TEST

START_TEST(a_daemon_that_dies_counts_on)
{
    A_RUN_WITH("OnReboot=restart\n");
    fake_qemu_end(&first, "guest-reset");
    for (unsigned i = 0; i < REVIVALS_MAX; i++) {
        A_QEMU(next, &rig);
        assert_comes_again(&rig, manager, &next);
        fake_qemu_end(&next, "guest-reset");
        manager = restart(&rig, manager);
    }
    assert_rests(&rig, manager, GUEST_FAILED);
    assert_fault(manager, "5 times within 5 minutes");
}
END_TEST

START_TEST(a_second_start_that_is_refused_says_why)
{
    A_RUN_WITH("OnReboot=restart\n");
    define(&rig, "win10", "[PCI gpu]\nAddress=0000:7f:00.0\n[Guest]\nOnReboot=restart\n");
    fake_qemu_end(&first, "guest-reset");
    assert_rests(&rig, manager, GUEST_FAILED);
    assert_fault(manager, "guest win10 is not started again: ");
    assert_fault(manager, "7f:00.0");
}
END_TEST

START_TEST(a_device_that_cannot_be_given_back_keeps_the_guest_down)
{
    A_RUN_WITH("OnReboot=restart\n");
    fake_workers_fail(rig.engine.workers, fake_workers_steps(rig.engine.workers), EIO);
    fake_qemu_end(&first, "guest-reset");
    rig_settle(&rig);
    ck_assert_str_eq(guest_state_to_string(guest_state(win10(manager))), "failed");
    ck_assert(guest_has_leftovers(win10(manager)));
    ck_assert(!guest_comes_again(win10(manager)));
}
END_TEST

/* Sunshine has the device open, as long as it runs. */
static void use(const Rig *rig, const char *state)
{
    fake_launcher_unit(rig->engine.launcher, "sunshine.service", state, false, false);
    fake_workers_find_holder(rig->engine.workers, holder_new(HOLDER_FILE, "0000:01:00.0", "/dev/dri/card1",
                                                             812, "sunshine", "sunshine.service", NULL));
}

START_TEST(the_next_daemon_may_stop_what_the_first_was_let_stop)
{
    char *may_stop[] = {(char *)"sunshine.service", NULL};
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    g_autofree char *text = g_strconcat(rig.definition, "[Guest]\nOnReboot=restart\n", NULL);
    unsigned job;

    rig.definition = text;
    _cleanup_manager_ Manager *manager = come_up(&rig);
    use(&rig, "active");
    ck_assert_int_eq(manager_start(manager, "win10", may_stop, &job, NULL), 0);
    rig_settle(&rig);
    fake_workers_find_holder(rig.engine.workers, NULL);
    fake_qemu_launch(&qemu, win10(manager));
    ck_assert_int_eq(guest_state(win10(manager)), GUEST_RUNNING);

    rig_die(&rig, false);
    manager_free(manager);
    rig_come_again(&rig);
    qemu.qmp_fd = close_fd(qemu.qmp_fd);
    fake_launcher_found(rig.engine.launcher, "win10", QEMU_PID);
    use(&rig, "inactive");
    manager = come_up(&rig);
    rig_settle(&rig);
    fake_qemu_serve(&qemu);
    ck_assert_int_eq(guest_state(win10(manager)), GUEST_RUNNING);

    fake_qemu_end(&qemu, "guest-reset");
    rig_settle(&rig);
    ck_assert_msg(!guest_fault(win10(manager)), "%s", guest_fault(win10(manager))->message);
    ck_assert_str_eq(fake_launcher_unit_state(rig.engine.launcher, "sunshine.service"), "inactive");
}
END_TEST

START_TEST(a_note_that_is_torn_does_no_harm)
{
    static const char *const texts[] = {"", "\n", "rebo", "reboot\nx y", "crash\n1 2 3 4 5 6 7 8 9\n\n\n"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        A_RIG(build_gpu);
        g_autofree char *folder = g_strdup_printf("%s/guests/win10", rig.run_path),
                        *path = g_strconcat(folder, "/again", NULL);
        ck_assert_int_eq(g_mkdir_with_parents(folder, 0750), 0);
        ck_assert(g_file_set_contents(path, texts[i], -1, NULL));
        _cleanup_manager_ Manager *manager = come_up(&rig);
        rig_settle(&rig);
        ck_assert_int_eq(guest_state(win10(manager)), i < 3 ? GUEST_STOPPED : GUEST_PREPARING);
    }
}
END_TEST

SUITE("manager-again", a_guest_that_reboots_is_started_again_with_devices_that_were_back,
      the_reset_button_is_a_reboot_and_a_power_off_is_none,
      a_guest_is_started_again_for_what_its_definition_says_alone,
      a_reset_that_only_words_for_qemu_make_an_end_is_an_end, a_guest_that_hibernates_stays_off,
      a_qemu_that_dies_is_started_again_where_that_is_wanted, a_qemu_that_dies_fails_otherwise,
      a_qemu_that_dies_at_its_start_is_not_started_again, a_guest_that_reboots_again_and_again_is_given_up,
      a_stop_while_the_devices_go_back_is_a_stop, a_daemon_that_dies_in_between_starts_it_all_the_same,
      a_daemon_that_dies_before_qemu_has_gone_knows_why_it_went, a_daemon_that_dies_counts_on,
      a_second_start_that_is_refused_says_why, a_device_that_cannot_be_given_back_keeps_the_guest_down,
      the_next_daemon_may_stop_what_the_first_was_let_stop, a_note_that_is_torn_does_no_harm)
