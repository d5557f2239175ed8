/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Journals that a daemon left, whole, torn and damaged, and what the next one makes of them. */
#include <sys/stat.h>
#include <unistd.h>

#include "manager-left.h"

static const char *build_gpu_and_disk(FakeHost *host)
{
    const char *definition = build_gpu(host);

    fake_host_add_disk(host, "0000:04:00.0", NULL, 9, "nvme0n1");
    return definition;
}

START_TEST(several_owners_are_found_again_each_as_it_was)
{
    A_RIG(build_gpu_and_disk);
    leave_start_behind(&rig);
    leave_bind_behind(&rig, "0000:04:00.0");
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_STOPPED);
    ck_assert(guest_at_rest(view.guest));
    g_autofree char *gpu = fake_host_driver(rig.host, "0000:01:00.0");
    g_autofree char *disk = fake_host_driver(rig.host, "0000:04:00.0");
    ck_assert_str_eq(gpu, "radeon");
    ck_assert_str_eq(disk, "vfio-pci");
    ck_assert_int_eq(try_restore(manager, "0000:04:00.0", NULL), 0);
    rig_settle(&rig);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_crash_at_any_turn_of_a_start_is_recovered)
{
    bool whole = false;
    for (unsigned turn = 0; !whole; turn++) {
        A_RIG(build_gpu);
        g_autoptr(Plan) plan = rig_plan(&rig);
        whole = leave_behind(&rig, plan, turn);
        _cleanup_manager_ Manager *manager = come_up(&rig);
        rig_settle(&rig);
        ck_assert(guest_at_rest(view_of(manager, "win10").guest));
        rig_assert_restored(&rig);
    }
}
END_TEST

static char *journal_path(const Rig *rig, const char *name)
{
    return g_strdup_printf("%s/journal/%s.journal", rig->run_path, name);
}

static void damage(const char *path, size_t at, unsigned bit)
{
    g_autofree char *text = NULL;
    gsize size;

    ck_assert(g_file_get_contents(path, &text, &size, NULL));
    ck_assert_uint_lt(at, size);
    text[at] ^= 1U << bit;
    ck_assert(g_file_set_contents(path, text, size, NULL));
}

static size_t size_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/* What one record has lost of a step, the step's other record tells. */
START_TEST(a_whole_journal_with_any_bit_flipped_is_undone_all_the_same)
{
    for (size_t at = 0, size = 1; at < size; at += 5) {
        A_RIG(build_reset);
        g_autofree char *path = journal_path(&rig, "guest-win10");
        leave_start_behind(&rig);
        size = size_of(path);
        damage(path, MIN(at, size - 1), at % 8);
        _cleanup_manager_ Manager *manager = come_up(&rig);
        rig_settle(&rig);
        ck_assert(guest_at_rest(view_of(manager, "win10").guest));
        rig_assert_restored(&rig);
    }
}
END_TEST

/* A write of a record may end at any byte: what the record announces had not been done by then. */
START_TEST(a_journal_that_ends_at_any_byte_is_undone)
{
    bool whole = false;
    size_t written = 0;
    for (unsigned turn = 1; !whole; turn++)
        for (size_t cut = written + 1;; cut += 7) {
            A_RIG(build_reset);
            g_autofree char *path = journal_path(&rig, "guest-win10");
            g_autoptr(Plan) plan = rig_plan(&rig);
            whole = leave_behind(&rig, plan, turn);
            size_t size = size_of(path);
            ck_assert_int_eq(truncate(path, MIN(cut, size)), 0);
            _cleanup_manager_ Manager *manager = come_up(&rig);
            rig_settle(&rig);
            ck_assert(guest_at_rest(view_of(manager, "win10").guest));
            rig_assert_restored(&rig);
            if (cut >= size) {
                written = size;
                break;
            }
        }
}
END_TEST

/* What is lost cannot be undone, but the daemon goes on, and no device is harmed. */
START_TEST(journals_full_of_rubbish_stop_nothing)
{
    for (unsigned seed = 1; seed < 60; seed++) {
        A_RIG(build_gpu_and_disk);
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autofree char *path = journal_path(&rig, "guest-win10");
        leave_start_behind(&rig);
        leave_bind_behind(&rig, "0000:04:00.0");
        for (unsigned i = 0; i < 40; i++) {
            damage(path, g_rand_int_range(random, 0, size_of(path)), g_rand_int_range(random, 0, 8));
        }
        ck_assert_int_eq(truncate(path, g_rand_int_range(random, 0, size_of(path))), 0);
        _cleanup_manager_ Manager *manager = come_up(&rig);
        rig_settle(&rig);
        ck_assert(guest_at_rest(view_of(manager, "win10").guest));
        ck_assert_str_eq(fake_host_mishaps(rig.host), "");
        g_autofree char *disk = fake_host_driver(rig.host, "0000:04:00.0");
        ck_assert_str_eq(disk, "vfio-pci");
    }
}
END_TEST

START_TEST(a_damaged_journal_takes_no_device_from_a_running_guest)
{
    A_RIG(build_gpu);
    leave_bind_behind(&rig, "0000:01:00.0");
    leave_start_behind(&rig);
    g_autofree char *path = journal_path(&rig, "bind-0000:01:00.0");
    /* It no longer tells that the last step was done. */
    damage(path, size_of(path) - 10, 0);
    fake_host_open_group(rig.host, 12);
    fake_launcher_found(rig.engine.launcher, "win10", 4242);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    ck_assert_str_eq(fake_host_mishaps(rig.host), "");
    g_autofree char *gpu = fake_host_driver(rig.host, "0000:01:00.0");
    ck_assert_str_eq(gpu, "vfio-pci");
}
END_TEST

SUITE("manager-recovery", several_owners_are_found_again_each_as_it_was,
      a_crash_at_any_turn_of_a_start_is_recovered,
      a_whole_journal_with_any_bit_flipped_is_undone_all_the_same, a_journal_that_ends_at_any_byte_is_undone,
      journals_full_of_rubbish_stop_nothing, a_damaged_journal_takes_no_device_from_a_running_guest)
