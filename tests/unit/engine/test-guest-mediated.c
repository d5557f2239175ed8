/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest with a mediated device: its node is the guest's for as long as it runs, whatever else comes and
 * goes. */
#include <string.h>
#include <unistd.h>

#include "fake-qemu.h"

#define NODE "vfio/40 "

typedef struct Try {
    Rig *rig;
    FakeQemu *qemu;
    Guest *guest;
} Try;

static void on_changed(Guest *guest, void *userdata)
{
}

static const GuestHandler handler = {.changed = on_changed, .rested = on_changed};

static void try_free(Try *try)
{
    guest_free(try->guest);
}

static GuestDefinition *a_definition(const Rig *rig)
{
    g_autofree char *text = g_strconcat("[CPU]\nAccelerator=tcg\n[Console]\nLog=no\n", rig->definition, NULL);
    DefinitionText file = {.path = "win10.guest", .text = text, .size = strlen(text)};
    GuestDefinition *definition = NULL;

    ck_assert_int_eq(definition_parse("win10", &file, 1, &definition, NULL), 0);
    return definition;
}

static void start(Try *try)
{
    GuestDefinition *definition = a_definition(try->rig);
    g_autoptr(Host) host = NULL;
    Plan *plan = NULL;

    try->guest = guest_new(&try->rig->engine, "win10", &handler, try);
    ck_assert_int_eq(host_scan(&try->rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_start(host, NULL, definition, &plan, NULL), 0);
    guest_start(try->guest, definition, plan, NULL, false);
}

static void run(Try *try)
{
    start(try);
    fake_qemu_connect(try->qemu, try->guest);
    ck_assert(fake_qemu_take_over(try->qemu));
    fake_qemu_serve(try->qemu);
    ck_assert_int_eq(guest_state(try->guest), GUEST_RUNNING);
}

#define A_TRY(rig, qemu)                                                                                     \
    A_RIG(build_mediated);                                                                                   \
    A_QEMU(qemu, &rig);                                                                                      \
    __attribute__((cleanup(try_free))) Try try = {&rig, &qemu}

static void restart(Try *try, pid_t pid)
{
    rig_die(try->rig, true);
    try->guest = guest_free(try->guest);
    if (try->qemu->qmp_fd >= 0)
        close(try->qemu->qmp_fd);
    try->qemu->qmp_fd = -1;
    rig_come_again(try->rig);
    fake_launcher_found(try->rig->engine.launcher, "win10", pid);
    try->guest = guest_new(&try->rig->engine, "win10", &handler, try);
    guest_recover(try->guest, a_definition(try->rig));
}

static char *devices(const Try *try)
{
    GString *text = g_string_new(NULL);
    const GPtrArray *all = guest_devices(try->guest);

    for (unsigned i = 0; i < all->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "", (char *)g_ptr_array_index(all, i));
    return g_string_free(text, FALSE);
}

static void assert_devices(const Try *try, const char *expected)
{
    g_autofree char *text = devices(try);
    ck_assert_str_eq(text, expected);
}

static void end_guest(Try *try)
{
    fake_qemu_hang_up(try->qemu);
    fake_launcher_exit(try->rig->engine.launcher, "win10", &(LauncherExit){.known = true});
    rig_settle(try->rig);
    rig_assert_restored(try->rig);
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
    assert_devices(&try, "0000:01:00.0 0000:01:00.1");
    ck_assert_ptr_nonnull(g_hash_table_lookup(qemu.devices, "pci-vgpu-0"));
    g_autofree char *card = fake_host_driver(rig.host, "0000:02:00.0");
    ck_assert_str_eq(card, "nvidia");
    end_guest(&try);
    assert_lent(&try, false);
}
END_TEST

START_TEST(it_stays_when_another_device_is_let_go)
{
    A_TRY(rig, qemu);
    run(&try);
    fake_qemu_eject(&qemu, "pci-gpu");
    assert_devices(&try, "");
    g_autofree char *driver = fake_host_driver(rig.host, "0000:01:00.0");
    ck_assert_str_eq(driver, "radeon");
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
    assert_devices(&try, "0000:01:00.0 0000:01:00.1");
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

SUITE("guest-mediated", it_is_the_guests_until_the_end_and_no_slot, it_stays_when_another_device_is_let_go,
      after_a_restart_it_is_neither_taken_for_a_free_slot_nor_given_back,
      one_that_somebody_has_open_is_refused)
