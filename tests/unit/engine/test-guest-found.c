/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that runs on while its daemon goes and another one comes. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "guest-try.h"

/* The daemon goes, and another one comes; QEMU stays, or not. */
static void restart(Try *try, pid_t pid)
{
    rig_lose_daemon(try->rig, try->guest, false, pid);
    try->report.rested = 0;
    try->guest = rig_guest(&try->report);
    guest_recover(try->guest, rig_definition(try->rig, ""));
}

START_TEST(a_crash_at_any_turn_of_a_start_without_qemu_is_undone)
{
    for (unsigned turn = 0; turn < 60; turn++) {
        A_GUEST_AT_REST(build_gpu);
        start(&try);
        for (unsigned i = 0; i < turn; i++) {
            if (i == turn / 2)
                fake_qemu_connect(&qemu, try.guest);
            rig_turn(&rig);
        }
        restart(&try, 0);
        rig_settle(&rig);
        assert_stopped(&try);
    }
}
END_TEST

/* Crashes at this turn; false: nothing was left to do before it. */
static bool crash_at(Try *try, unsigned turn)
{
    bool alive = true;

    for (unsigned i = 0; i < turn && alive; i++)
        alive = rig_turn(try->rig);
    rig_die(try->rig, turn % 2 == 1);
    restart(try, 0);
    rig_settle(try->rig);
    return alive;
}

START_TEST(a_crash_at_any_turn_of_a_stop_is_taken_up_again)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned turn = 0, more = true; more; turn++) {
            A_RUN(BUILDS[b]);
            ck_assert_int_eq(guest_stop(try.guest, try.stop, false, NULL), 0);
            fake_qemu_serve(&qemu);
            fake_launcher_exit(rig.engine.launcher, "win10", &fine);
            more = crash_at(&try, turn);
            rig_assert_restored(&rig);
        }
}
END_TEST

START_TEST(a_guest_that_runs_is_found_again)
{
    A_RUN(build_gpu);
    restart(&try, QEMU_PID);
    qemu.qmp_fd = close_fd(qemu.qmp_fd);
    rig_settle(&rig);
    ck_assert(!guest_at_rest(try.guest));
    fake_qemu_serve(&qemu);
    assert_state(&try, GUEST_RUNNING);
    ck_assert_int_eq(guest_pid(try.guest), QEMU_PID);
    qemu_ends(&try, &fine);
    rig_assert_restored(&rig);
}
END_TEST

/* As QEMU does, into what it was given. */
static int print(const char *pipe, const char *text)
{
    int fd = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    int n = fd < 0 ? -errno : (int)write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n;
}

static gint64 size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* QEMU writes to the log that it was given, whatever the definition says by now. */
START_TEST(a_guest_that_is_found_again_has_its_console_log_gone_on_with)
{
    A_RUN(build_gpu);
    g_autofree char *log = g_build_filename(fake_host_path(rig.host), "log/win10.console.log", NULL),
                    *pipe = g_build_filename(fake_host_path(rig.host), "run/guests/win10/console.pipe", NULL);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    restart(&try, QEMU_PID);
    rig_settle(&rig);
    ck_assert_int_eq(print(pipe, "goes on\n"), 8);
    rig_settle(&rig);
    ck_assert_int_eq(size_of(log), 8);
}
END_TEST

START_TEST(a_guest_that_is_found_again_without_a_console_log_gets_none)
{
    A_RUN(build_gpu);
    g_autofree char *log = g_build_filename(fake_host_path(rig.host), "log/win10.console.log", NULL);
    restart(&try, QEMU_PID);
    rig_settle(&rig);
    ck_assert_int_eq(size_of(log), -1);
}
END_TEST

START_TEST(a_guest_that_is_found_again_and_says_nothing_can_be_killed)
{
    A_RUN(build_gpu);
    restart(&try, QEMU_PID);
    rig_settle(&rig);
    ck_assert_int_eq(guest_kill(try.guest, try.stop, NULL), 0);
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), SIGKILL);
    rig_settle(&rig);
    assert_stopped(&try);
    ck_assert_str_eq(try.stop->result, "done");
}
END_TEST

START_TEST(a_guest_that_is_found_again_and_says_nothing_is_unresponsive_until_it_does)
{
    A_RUN(build_gpu);
    restart(&try, QEMU_PID);
    qemu.qmp_fd = close_fd(qemu.qmp_fd);
    while (guest_state(try.guest) != GUEST_UNRESPONSIVE)
        ck_assert_int_gt(sd_event_run(rig.engine.event, 20 * G_USEC_PER_SEC), 0);
    fake_qemu_serve(&qemu);
    assert_state(&try, GUEST_RUNNING);
    ck_assert_int_eq(fake_launcher_signal(rig.engine.launcher, "win10"), 0);
}
END_TEST

SUITE("guest-found", a_crash_at_any_turn_of_a_start_without_qemu_is_undone,
      a_crash_at_any_turn_of_a_stop_is_taken_up_again, a_guest_that_runs_is_found_again,
      a_guest_that_is_found_again_has_its_console_log_gone_on_with,
      a_guest_that_is_found_again_without_a_console_log_gets_none,
      a_guest_that_is_found_again_and_says_nothing_can_be_killed,
      a_guest_that_is_found_again_and_says_nothing_is_unresponsive_until_it_does)
