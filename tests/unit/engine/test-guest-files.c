/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that QEMU gets are opened before the first step: what is wrong with one fails the start while no
 * device has left its driver, and what becomes of one later changes nothing. */
#include <glib/gstdio.h>
#include <string.h>

#include "../scratch.h"
#include "rig-guest.h"

#define GPU "0000:01:00.0"
#define TAP "tap7"
#define MADE "/dev/shm/usher-guest-files" /* an image that is made upon another */

typedef enum Shape { SHAPE_FILE, SHAPE_FOLDER, SHAPE_SOCKET } Shape;

/* Each kind of file that a definition names. */
static const struct {
    const char *section, *line; /* of the message */
    Shape shape;
} kinds[] = {
    {"[PCI gpu]\nAddress=" GPU "\nROM=", "ROM", SHAPE_FILE},
    {"[Firmware]\nType=uefi\nCode=", "Code", SHAPE_FILE},
    {"[Kernel]\nImage=", "Image", SHAPE_FILE},
    {"[Kernel]\nImage=/proc/self/exe\nInitrd=", "Initrd", SHAPE_FILE},
    {"[Share docs]\nType=9p\nPath=", "Path", SHAPE_FOLDER},
    {"[Sound]\nType=pipewire\nOptional=no\nSocket=", "Socket", SHAPE_SOCKET},
    {"[Disk system]\nFormat=raw\nPath=", "Path", SHAPE_FILE},
    {"[Disk system]\nFormat=qcow2\nSize=1M\nPath=" MADE "\nBacking=raw:", "Backing", SHAPE_FILE},
    {"[CDROM install]\nOptional=no\nPath=", "Path", SHAPE_FILE},
};

typedef struct Try {
    Rig *rig;
    char *path, *more;
    Shape shape;
} Try;

static void put(const char *path, Shape shape)
{
    if (shape == SHAPE_FOLDER)
        ck_assert_int_eq(g_mkdir(path, 0755), 0);
    else if (shape == SHAPE_SOCKET)
        scratch_put_socket(path);
    else {
        /* As long as the smallest flash memory. */
        g_autofree char *text = g_strnfill(4096, '0');
        ck_assert(g_file_set_contents(path, text, -1, NULL));
    }
}

static Try try_new(Rig *rig, unsigned kind)
{
    Try try = {.rig = rig, .shape = kinds[kind].shape};

    if (g_str_has_prefix(kinds[kind].section, "[PCI "))
        rig->definition = "";
    try.path = g_build_filename(rig->run_path, "named", NULL);
    try.more = g_strdup_printf("%s%s\n", kinds[kind].section, try.path);
    put(try.path, try.shape);
    return try;
}

static void try_free(Try *try)
{
    scratch_remove(try->path);
    g_free(try->path);
    g_free(try->more);
}

#define N_KINDS G_N_ELEMENTS(kinds)
#define A_TRY(kind)                                                                                          \
    A_RIG(build_gpu);                                                                                        \
    __attribute__((cleanup(try_free))) Try try = try_new(&rig, kind)

/* How many descriptors lead to the file. */
static unsigned count_open(const Try *try)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    const char *name;
    unsigned n = 0;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename("/proc/self/fd", name, NULL),
                        *target = g_file_read_link(link, NULL);
        n += target && g_str_has_prefix(target, try->path);
    }
    return n;
}

/* At no turn has anything been touched. */
static void assert_refused(const Try *try, unsigned kind, Guest *guest)
{
    const Rig *rig = try->rig;

    while (guest_state(guest) != GUEST_FAILED) {
        ck_assert_uint_eq(fake_workers_steps(rig->engine.workers), 0);
        ck_assert_uint_eq(fake_launcher_starts(rig->engine.launcher, "win10"), 0);
        rig_assert_driver(rig, GPU, "radeon");
        ck_assert_int_gt(sd_event_run(rig->engine.event, 5 * G_USEC_PER_SEC), 0);
    }
    g_autofree char *line = g_strdup_printf(" %s=%s", kinds[kind].line, try->path);
    ck_assert_msg(strstr(guest_fault(guest)->message, line), "%s", guest_fault(guest)->message);
    ck_assert_uint_eq(fake_workers_steps(rig->engine.workers), 0);
    rig_settle(rig);
    guest_free(guest);
    rig_assert_restored(rig);
}

START_TEST(one_that_has_vanished_fails_the_start_with_no_step_taken)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        A_TRY(kind);
        scratch_remove(try.path);
        assert_refused(&try, kind, rig_start(&rig, try.more));
    }
}
END_TEST

START_TEST(one_that_was_replaced_by_something_else_fails_the_start_with_no_step_taken)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        A_TRY(kind);
        scratch_remove(try.path);
        put(try.path, try.shape == SHAPE_FOLDER ? SHAPE_FILE : SHAPE_FOLDER);
        assert_refused(&try, kind, rig_start(&rig, try.more));
    }
}
END_TEST

START_TEST(one_that_does_not_answer_fails_the_start_with_no_step_taken)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        A_TRY(kind);
        fake_workers_die_below(rig.engine.workers, try.path);
        assert_refused(&try, kind, rig_start(&rig, try.more));
        fake_workers_come_back(rig.engine.workers);
        rig_settle(&rig);
    }
}
END_TEST

/* Once the holders have been looked for. */
START_TEST(usher_bind_that_cannot_be_started_fails_the_start_with_no_step_taken)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        A_TRY(kind);
        Guest *guest = rig_start(&rig, try.more);
        while (!g_str_equal(guest_sub_state(guest), "files"))
            ck_assert(rig_turn(&rig));
        fake_workers_refuse(rig.engine.workers, FAKE_WORKERS_ALL, "no such unit");
        rig_settle(&rig);
        ck_assert_int_eq(guest_state(guest), GUEST_FAILED);
        ck_assert_str_eq(guest_fault(guest)->message, "cannot start usher-bind: no such unit");
        ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
        guest_free(guest);
        rig_assert_restored(&rig);
    }
}
END_TEST

/* Once its phase is over, nothing is asked for by its name any more. */
START_TEST(one_that_vanishes_or_is_replaced_after_that_is_what_qemu_gets_all_the_same)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        for (unsigned replaced = 0; replaced < 2; replaced++) {
            A_TRY(kind);
            A_QEMU(qemu, &rig);
            g_autofree char *gone = g_strdup_printf("%s (deleted)\n", try.path);
            Guest *guest = rig_start(&rig, try.more);
            while (guest_state(guest) == GUEST_PREPARING && (g_str_equal(guest_sub_state(guest), "holders") ||
                                                             g_str_equal(guest_sub_state(guest), "files")))
                ck_assert(rig_turn(&rig));
            unsigned asks = fake_workers_asks(rig.engine.workers);
            scratch_remove(try.path);
            if (replaced)
                put(try.path, try.shape == SHAPE_FOLDER ? SHAPE_FILE : SHAPE_FOLDER);
            fake_qemu_launch(&qemu, guest);
            ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
            ck_assert_uint_eq(fake_workers_asks(rig.engine.workers), asks);
            ck_assert_msg(strstr(qemu.files->str, gone), "%s", qemu.files->str);
            rig_end(&rig, guest);
            g_unlink(MADE);
        }
    }
}
END_TEST

static void assert_let_go(const Try *try, Guest *guest)
{
    rig_settle(try->rig);
    ck_assert(guest_at_rest(guest));
    guest_free(guest);
    ck_assert_uint_eq(count_open(try), 0);
    g_unlink(MADE);
}

START_TEST(a_start_that_fails_at_any_step_closes_it)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        for (unsigned step = 0; step < 8; step++) {
            A_TRY(kind);
            fake_workers_fail(rig.engine.workers, step, EIO);
            Guest *guest = rig_start(&rig, try.more);
            while (fake_workers_steps(rig.engine.workers) <= step)
                ck_assert(rig_turn(&rig));
            ck_assert_uint_gt(count_open(&try), 0);
            rig_settle(&rig);
            /* A write that complains, but was done all the same, is no failure. */
            guest_stop(guest, NULL, false, NULL);
            assert_let_go(&try, guest);
            rig_assert_restored(&rig);
        }
    }
}
END_TEST

START_TEST(a_start_that_is_stopped_at_any_turn_closes_it)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        unsigned opened = 0;

        for (unsigned turn = 0, more = true; more; turn++) {
            A_TRY(kind);
            Guest *guest = rig_start(&rig, try.more);
            for (unsigned i = 0; i < turn && more; i++)
                more = rig_turn(&rig);
            opened += count_open(&try);
            guest_stop(guest, NULL, false, NULL);
            assert_let_go(&try, guest);
            rig_assert_restored(&rig);
        }
        ck_assert_uint_gt(opened, 0);
    }
}
END_TEST

START_TEST(a_daemon_that_dies_at_any_turn_leaves_nothing_open_and_the_next_gives_all_back)
{
    for (unsigned kind = 0; kind < N_KINDS; kind++) {
        bool more = true;

        for (unsigned turn = 0; more; turn++) {
            A_TRY(kind);
            Guest *guest = rig_start(&rig, try.more);
            for (unsigned i = 0; i < turn && more; i++)
                more = rig_turn(&rig);
            rig_lose_daemon(&rig, guest, turn % 2, 0);
            Guest *found = rig_find(&rig, "");
            assert_let_go(&try, found);
            rig_assert_restored(&rig);
        }
    }
}
END_TEST

static void put_tap(const Rig *rig)
{
    g_autofree char *folder = g_strdup_printf("/proc/self/fd/%d/class/net/" TAP, fake_host_sys_fd(rig->host)),
                    *flags = g_build_filename(folder, "tun_flags", NULL);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(flags, "0x1802\n", -1, NULL));
}

/* A link that a step makes can only be opened after that step. */
START_TEST(a_link_that_is_the_hosts_is_opened_before_the_first_step_too)
{
    A_RIG(build_gpu);
    put_tap(&rig);
    fake_workers_die_below(rig.engine.workers, TAP);
    Guest *guest = rig_start(&rig, "[Network lan]\nMode=tap\nDevice=" TAP "\n");
    while (guest_state(guest) != GUEST_FAILED)
        ck_assert_int_gt(sd_event_run(rig.engine.event, 5 * G_USEC_PER_SEC), 0);
    ck_assert_str_eq(guest_fault(guest)->message,
                     "guest win10: [Network lan] Device=" TAP " does not answer (a dead NFS or FUSE mount?)");
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 0);
    fake_workers_come_back(rig.engine.workers);
    rig_settle(&rig);
    guest_free(guest);
}
END_TEST

/* What may be missing, and what the guest then has instead; the marks of these on the command line. */
static const struct {
    const char *text, *words, *mark;
} optionals[] = {
    {"[CDROM install]\nPath=/dev/shm/usher-none/a.iso\n",
     "[CDROM install] Path=/dev/shm/usher-none/a.iso is not there; the drive is empty", "a.iso"},
    {"[Sound]\nType=pipewire\nSocket=/dev/shm/usher-none/native\n",
     "[Sound] Socket=/dev/shm/usher-none/native is not there; nobody hears the guest", "native"},
    {"[Share docs]\nType=9p\nOptional=yes\nPath=/dev/shm/usher-none/docs\n",
     "[Share docs] Path=/dev/shm/usher-none/docs is not there; the guest is without the folder", "docs"},
    {"[Disk data]\nFormat=raw\nOptional=yes\nPath=/dev/shm/usher-none/a.img\n",
     "[Disk data] Path=/dev/shm/usher-none/a.img is not there; the guest is without the disk", "a.img"},
    {"[Disk data]\nFormat=qcow2\nOptional=yes\nPath=/proc/self/exe\nBacking=raw:/dev/shm/usher-none/b.img\n",
     "[Disk data] Backing=/dev/shm/usher-none/b.img is not there; the guest is without the disk", "b.img"},
};

START_TEST(one_that_is_optional_and_missing_is_left_out_and_told)
{
    for (size_t i = 0; i < G_N_ELEMENTS(optionals); i++) {
        A_RIG(build_gpu);
        A_QEMU(qemu, &rig);
        rig.definition = "";
        Guest *guest = rig_start(&rig, optionals[i].text);
        fake_qemu_launch(&qemu, guest);
        ck_assert_int_eq(guest_state(guest), GUEST_RUNNING);
        const char *const *warnings = guest_warnings(guest);
        ck_assert_ptr_nonnull(warnings);
        ck_assert_str_eq(warnings[0], optionals[i].words);
        ck_assert_ptr_null(warnings[1]);
        ck_assert_ptr_null(strstr(qemu.files->str, optionals[i].mark));
        rig_end(&rig, guest);
    }
}
END_TEST

START_TEST(a_daemon_that_comes_later_still_tells_what_is_missing)
{
    A_RIG(build_gpu);
    A_QEMU(qemu, &rig);
    rig.definition = "";
    Guest *guest = rig_start(&rig, optionals[0].text);
    fake_qemu_launch(&qemu, guest);
    rig_lose_daemon(&rig, guest, false, 0);
    Guest *found = rig_find(&rig, "");
    ck_assert_ptr_nonnull(guest_warnings(found));
    ck_assert_str_eq(guest_warnings(found)[0], optionals[0].words);
    rig_settle(&rig);
    guest_free(found);
}
END_TEST

SUITE("guest-files", one_that_is_optional_and_missing_is_left_out_and_told,
      a_daemon_that_comes_later_still_tells_what_is_missing,
      one_that_has_vanished_fails_the_start_with_no_step_taken,
      one_that_was_replaced_by_something_else_fails_the_start_with_no_step_taken,
      one_that_does_not_answer_fails_the_start_with_no_step_taken,
      usher_bind_that_cannot_be_started_fails_the_start_with_no_step_taken,
      one_that_vanishes_or_is_replaced_after_that_is_what_qemu_gets_all_the_same,
      a_start_that_fails_at_any_step_closes_it, a_start_that_is_stopped_at_any_turn_closes_it,
      a_daemon_that_dies_at_any_turn_leaves_nothing_open_and_the_next_gives_all_back,
      a_link_that_is_the_hosts_is_opened_before_the_first_step_too)
