/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans carried out and undone on a host that fails, hangs and changes, by a daemon that may die at any turn
 * of its loop. */
#include <fcntl.h>
#include <sys/stat.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "execution-try.h"

/* What the kernel documents for writes to sysfs, to devtmpfs and for modprobe. */
static const int errors[] = {ENODEV, EBUSY,  EINVAL, ENOENT,    EPERM, EACCES, EIO,
                             ENOMEM, EAGAIN, ENOSPC, ETIMEDOUT, ENXIO, EROFS,  EINTR};

static char *journal_text(const Rig *rig)
{
    g_autofree char *path = g_strdup_printf("%s/journal/guest-win10.journal", rig->run_path);
    char *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

START_TEST(a_plan_is_carried_out_in_order)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    ck_assert_str_eq(try.progress->str, "power-control of 0000:01:00.1: auto → on\n"
                                        "d3cold of 0000:01:00.1: 1 → 0\n"
                                        "power-control of 0000:01:00.0: on → on\n"
                                        "d3cold of 0000:01:00.0: 1 → 0\n"
                                        "driver of 0000:01:00.1: snd_hda_intel → none\n"
                                        "driver of 0000:01:00.0: radeon → none\n"
                                        "override of 0000:01:00.1: none → vfio-pci\n"
                                        "override of 0000:01:00.0: none → vfio-pci\n"
                                        "driver of 0000:01:00.1: none → vfio-pci\n"
                                        "driver of 0000:01:00.0: none → vfio-pci\n"
                                        "node-owner of /dev/vfio/12: 0:0 → 64001:64001\n");
    rig_assert_host(&rig, "0000:00:01.0 driver=pcieport override=(null) power=auto d3cold=1\n"
                          "0000:01:00.0 driver=vfio-pci override=vfio-pci power=auto d3cold=0\n"
                          "0000:01:00.1 driver=vfio-pci override=vfio-pci power=auto d3cold=0\n"
                          "vfio/12 64001:64001 600\n"
                          "vfio/vfio 0:0 644\n");
    try_undo_all(&try);
}
END_TEST

START_TEST(each_step_is_in_the_journal_before_it_is_taken_and_after)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    g_autofree char *text = journal_text(&rig);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(Plan) plan = rig_plan(&rig);
    ck_assert_uint_eq(g_strv_length(lines), 2 * 11 + 1);
    for (unsigned i = 0; i < 11; i++) {
        g_autofree char *begin = g_strdup_printf("begin %u ", i);
        g_autofree char *done = g_strdup_printf("done %u ", i);
        ck_assert_msg(g_str_has_prefix(lines[2 * i], begin), "%s", lines[2 * i]);
        ck_assert_msg(g_str_has_prefix(lines[2 * i + 1], done), "%s", lines[2 * i + 1]);
    }
}
END_TEST

START_TEST(it_waits_at_the_node_until_it_is_known_whose_it_will_be)
{
    A_TRY_OF(build_gpu);
    try_run(&try, false);
    rig_settle(&rig);
    ck_assert_uint_eq(try.ended, 0);
    ck_assert_uint_eq(fake_workers_steps(rig.engine.workers), 10);
    execution_set_guest(try.execution, GUEST_UID, GUEST_UID);
    rig_settle(&rig);
    try_assert_done(&try);
    try_undo_all(&try);
}
END_TEST

START_TEST(memory_that_is_shared_waits_for_the_group_of_its_guest)
{
    A_TRY_OF(build_gpu);
    g_autofree char *folder = g_build_filename(fake_host_path(rig.host), "dev/shm", NULL),
                    *path = g_build_filename(folder, "usher/looking-glass-win10", NULL);
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    struct stat st;
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    g_ptr_array_add(steps, step_new(STEP_SHARED_MEMORY, "/dev/shm/usher/looking-glass-win10", "",
                                    "1048576 root " STEP_VALUE_GUEST));
    try.execution = execution_run(&rig.engine, try.journal, steps, &try_handler, &try);
    rig_settle(&rig);
    ck_assert_uint_eq(try.ended, 0);
    execution_set_guest(try.execution, GUEST_UID, GUEST_UID + 1);
    rig_settle(&rig);
    try_assert_done(&try);
    ck_assert_int_eq(fstatat(AT_FDCWD, path, &st, 0), 0);
    ck_assert_uint_eq(st.st_uid, 0);
    ck_assert_uint_eq(st.st_gid, GUEST_UID + 1);
    try_undo_all(&try);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_plan_without_steps_ends_well_and_needs_no_worker)
{
    A_TRY_OF(build_gpu);
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    fake_workers_refuse(rig.engine.workers, FAKE_WORKERS_ALL, "no worker is needed");
    try.execution = execution_run(&rig.engine, try.journal, none, &try_handler, &try);
    ck_assert_uint_eq(try.ended, 0);
    rig_settle(&rig);
    try_assert_done(&try);
}
END_TEST

/* --- Crashes --- */

START_TEST(a_crash_at_any_turn_of_a_start_is_undone)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned finish = 0; finish < 2; finish++)
            for (unsigned turn = 0, more = true; more; turn++) {
                A_TRY_OF(BUILDS[b]);
                try_run(&try, true);
                more = try_crash_at(&try, turn, finish);
                try_undo_all(&try);
            }
}
END_TEST

START_TEST(a_crash_at_any_turn_of_an_undo_is_taken_up_again)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned finish = 0; finish < 2; finish++)
            for (unsigned turn = 0, more = true; more; turn++) {
                A_TRY_OF(BUILDS[b]);
                try_run_all(&try);
                try_undo(&try, false);
                more = try_crash_at(&try, turn, finish);
                try_undo_all(&try);
            }
}
END_TEST

START_TEST(a_crash_of_the_undo_of_a_crashed_start_is_taken_up_again)
{
    for (unsigned first = 3;; first += 2) {
        bool alive = false;
        for (unsigned turn = 0, more = true; more; turn++) {
            A_TRY_OF(build_gpu);
            try_run(&try, true);
            alive = try_crash_at(&try, first, first % 4 == 1);
            try_undo(&try, false);
            more = try_crash_at(&try, turn, turn % 2);
            try_undo_all(&try);
        }
        if (!alive)
            break;
    }
}
END_TEST

START_TEST(a_journal_cut_off_within_a_record_is_undone)
{
    A_TRY_OF(build_gpu);
    try_run_on(&try);
    g_autofree char *path = g_strdup_printf("%s/journal/guest-win10.journal", rig.run_path);
    g_autofree char *text = journal_text(&rig);
    /* The last record says that the guest was given the node: that was done, but the record was cut short. */
    ck_assert_int_eq(truncate(path, strlen(text) - 20), 0);
    try_die(&try, false);
    try_undo_all(&try);
}
END_TEST

/* --- Failures --- */

START_TEST(a_step_that_fails_ends_the_start_and_all_is_undone)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned e = 0; e < G_N_ELEMENTS(errors); e++)
            for (unsigned n = 0, more = true; more; n++) {
                A_TRY_OF(BUILDS[b]);
                fake_workers_fail(rig.engine.workers, n, errors[e]);
                try_run_on(&try);
                more = fake_workers_steps(rig.engine.workers) > n;
                ck_assert_uint_eq(try.ended, 1);
                if (try.fault) {
                    ck_assert_int_eq(try.fault->kind, FAULT_FAILED);
                    ck_assert_ptr_nonnull(try.fault->remedy);
                }
                fake_workers_fail(rig.engine.workers, 0, 0);
                try_undo_all(&try);
            }
}
END_TEST

START_TEST(the_words_of_a_failure_say_what_it_is_and_why)
{
    A_TRY_OF(build_gpu);
    fake_workers_fail(rig.engine.workers, 5, EBUSY);
    try_run_on(&try);
    ck_assert_str_eq(try.fault->message,
                     "driver of 0000:01:00.0: cannot go from radeon to none, it is radeon: "
                     "Device or resource busy");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_probe_that_binds_nothing_is_no_success)
{
    A_TRY_OF(build_gpu);
    fake_host_fail_probe(rig.host, "0000:01:00.0");
    try_run_on(&try);
    ck_assert_str_eq(try.fault->message,
                     "driver of 0000:01:00.0: cannot go from none to vfio-pci, it is none: "
                     "the kernel took the write, but did not do it");
    try_undo_all(&try);
}
END_TEST

START_TEST(an_undo_that_fails_at_one_device_gives_the_others_back_and_can_be_tried_again)
{
    unsigned failed = 0;
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned e = 0; e < G_N_ELEMENTS(errors); e++)
            for (unsigned n = 0, more = true; more; n++) {
                A_TRY_OF(BUILDS[b]);
                try_run_all(&try);
                unsigned before = fake_workers_steps(rig.engine.workers);
                fake_workers_fail(rig.engine.workers, before + n, errors[e]);
                try_undo_on(&try, false);
                more = fake_workers_steps(rig.engine.workers) > before + n;
                ck_assert_uint_eq(try.ended, 1);
                if (try.fault) {
                    /* "driver of 0000:01:00.0: cannot go …" */
                    g_auto(GStrv) words = g_strsplit(try.fault->message, " ", 4);
                    g_autofree char *subject = g_strndup(words[2], strlen(words[2]) - 1);
                    ck_assert_int_eq(try.fault->kind, FAULT_FAILED);
                    /* A virtual function that stays keeps its card from unmaking the others. */
                    if (BUILDS[b] == build_functions && g_str_has_prefix(subject, "0000:02:00."))
                        subject[strlen(subject) - 1] = '\0';
                    rig_assert_only(&rig, subject, "vfio/");
                    failed++;
                }
                fake_workers_fail(rig.engine.workers, 0, 0);
                try_undo_all(&try);
            }
    ck_assert_uint_gt(failed, 100);
}
END_TEST

START_TEST(no_step_is_taken_that_the_journal_cannot_tell_of)
{
    struct rlimit before, limit;

    /* A full file system, as far as the journal is concerned; what the fake host writes is shorter than that.
     */
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (limit = before, limit.rlim_cur = 300; limit.rlim_cur < 700; limit.rlim_cur += 7) {
        A_TRY_OF(build_gpu);
        try_run(&try, true);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        rig_settle(&rig);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert_uint_eq(try.ended, 1);
        ck_assert_ptr_nonnull(try.fault);
        ck_assert_msg(strstr(try.fault->message, "cannot write the journal of guest/win10"), "%s",
                      try.fault->message);
        try_undo_all(&try);
    }
}
END_TEST

/* --- Drift --- */

START_TEST(drift_in_one_device_is_told_and_the_other_comes_back)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_host_set_driver(rig.host, "0000:01:00.1", "pci-stub");
    try_undo_on(&try, false);
    try_assert_drift(&try, "driver of 0000:01:00.1 is pci-stub, neither vfio-pci nor none");
    ck_assert_str_eq(try.fault->remedy,
                     "somebody else changed it; put it right by hand, then: usherctl restore 0000:01:00.1");
    rig_assert_only(&rig, "0000:01:00.1", "0000:01:00.1");
    rig_assert_driver(&rig, "0000:01:00.1", "pci-stub");
    try_believe(&try);
    g_autoptr(GPtrArray) standing = NULL;
    ck_assert_int_eq(journal_read(try.journal, &standing, NULL), 0);
    ck_assert_uint_eq(standing->len, 0);
}
END_TEST

START_TEST(a_device_put_right_by_hand_is_undone_without_being_believed)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_host_set_driver(rig.host, "0000:01:00.1", "pci-stub");
    try_undo_on(&try, false);
    ck_assert_ptr_nonnull(try.fault);
    fake_host_set_driver(rig.host, "0000:01:00.1", "vfio-pci");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_card_that_was_pulled_out_is_drift_and_is_believed)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_host_remove_device(rig.host, "0000:01:00.1");
    try_undo_on(&try, false);
    try_assert_drift(&try, "driver of 0000:01:00.1 is gone, neither vfio-pci nor none");
    rig_assert_only(&rig, "0000:01:00.1", "0000:01:00.1");
    try_believe(&try);
}
END_TEST

/* The kernel makes a new device, which its driver finds. */
START_TEST(a_card_that_was_pulled_out_and_put_back_is_drift_and_is_believed)
{
    A_TRY_OF(build_gpu);
    try_run_all(&try);
    fake_host_remove_device(rig.host, "0000:01:00.1");
    fake_host_add_function(rig.host, &(FakeFunction){.address = "0000:01:00.1",
                                                     .behind = "0000:00:01.0",
                                                     .group = 12,
                                                     .class = 0x040300,
                                                     .driver = "snd_hda_intel",
                                                     .sleeps = true});
    try_undo_on(&try, false);
    try_assert_drift(&try, "driver of 0000:01:00.1 is snd_hda_intel, neither vfio-pci nor none");
    rig_assert_only(&rig, "0000:01:00.1", "0000:01:00.1");
    try_believe(&try);
    rig_assert_host(&rig, rig.beginning);
}
END_TEST

START_TEST(drift_that_meets_a_start_is_told_and_all_but_that_is_undone)
{
    A_TRY_OF(build_gpu);
    try_run(&try, true);
    /* After the plan was made. */
    fake_host_set_driver(rig.host, "0000:01:00.0", "nouveau");
    g_free(rig.beginning);
    rig.beginning = fake_host_snapshot_text(rig.host);
    rig_settle(&rig);
    try_assert_drift(&try, "driver of 0000:01:00.0 is nouveau, neither radeon nor none");
    try_undo_all(&try);
}
END_TEST

START_TEST(a_module_that_is_not_there_is_told)
{
    A_TRY_OF(build_cold);
    fake_launcher_break_modules(rig.engine.launcher, false);
    try_run_on(&try);
    ck_assert_str_eq(try.fault->message, "cannot load the module vfio_pci: it did not come up");
    try_undo_all(&try);
}
END_TEST

/* --- Stops --- */

START_TEST(a_stop_at_any_turn_ends_it_with_the_fault_given_and_all_is_undone)
{
    for (unsigned b = 0; b < N_BUILDS; b++)
        for (unsigned turn = 0, more = true; more; turn++) {
            A_TRY_OF(BUILDS[b]);
            try_run(&try, turn % 2);
            for (unsigned i = 0; i < turn; i++)
                rig_turn(&rig);
            more = try.ended == 0 && turn < 200;
            if (more) {
                execution_stop(try.execution, fault_new(FAULT_TIMEOUT, NULL, "its launcher never came"));
                rig_settle(&rig);
                ck_assert_uint_eq(try.ended, 1);
                ck_assert_str_eq(try.fault->message, "its launcher never came");
            }
            try_undo_all(&try);
        }
}
END_TEST

SUITE("execution", a_plan_is_carried_out_in_order, each_step_is_in_the_journal_before_it_is_taken_and_after,
      it_waits_at_the_node_until_it_is_known_whose_it_will_be,
      memory_that_is_shared_waits_for_the_group_of_its_guest,
      a_plan_without_steps_ends_well_and_needs_no_worker, a_crash_at_any_turn_of_a_start_is_undone,
      a_crash_at_any_turn_of_an_undo_is_taken_up_again,
      a_crash_of_the_undo_of_a_crashed_start_is_taken_up_again, a_journal_cut_off_within_a_record_is_undone,
      a_step_that_fails_ends_the_start_and_all_is_undone, the_words_of_a_failure_say_what_it_is_and_why,
      a_probe_that_binds_nothing_is_no_success,
      an_undo_that_fails_at_one_device_gives_the_others_back_and_can_be_tried_again,
      no_step_is_taken_that_the_journal_cannot_tell_of, drift_in_one_device_is_told_and_the_other_comes_back,
      a_device_put_right_by_hand_is_undone_without_being_believed,
      a_card_that_was_pulled_out_is_drift_and_is_believed,
      a_card_that_was_pulled_out_and_put_back_is_drift_and_is_believed,
      drift_that_meets_a_start_is_told_and_all_but_that_is_undone, a_module_that_is_not_there_is_told,
      a_stop_at_any_turn_ends_it_with_the_fault_given_and_all_is_undone)
