/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may have what, over a daemon that dies and over journals that are damaged. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/engine/manager/check.h"
#include "../../../daemon/engine/execution/execution.h"
#include "../../../daemon/engine/manager/manager.h"
#include "../../../daemon/engine/execution/undo.h"
#include "rig.h"

#define TCG "[CPU]\nAccelerator=tcg\n"

static void define(const Rig *rig, const char *name, const char *text)
{
    g_autofree char *path = g_strdup_printf("%s/%s.guest", rig->definitions_path, name);
    g_autofree char *all = g_strconcat(TCG, text, NULL);

    ck_assert(g_file_set_contents(path, all, -1, NULL));
}

static void manager_freep(Manager **manager)
{
    manager_free(*manager);
}
#define _cleanup_manager_ __attribute__((cleanup(manager_freep)))

/* The daemon comes up: with the definition of the rig as guest win10. */
static Manager *come_up(Rig *rig)
{
    Manager *manager = NULL;

    define(rig, "win10", rig->definition);
    ck_assert_int_eq(manager_new(&rig->engine, &manager), 0);
    manager_recover(manager);
    return manager;
}

static Manager *restart(Rig *rig, Manager *manager)
{
    rig_die(rig, false);
    manager_free(manager);
    rig_come_again(rig);
    return come_up(rig);
}

static GuestView view_of(Manager *manager, const char *name)
{
    GuestView view;

    ck_assert_msg(manager_guest(manager, name, &view), "there is no guest %s", name);
    return view;
}

static void on_ended(Execution *execution, const Fault *fault, void *userdata)
{
    *(unsigned *)userdata += 1;
    execution_free(execution);
}

/* Part of a start or a bind, as left by a daemon that lived for this many turns. */
static bool leave_behind(Rig *rig, const Plan *plan, unsigned turns)
{
    static const ExecutionHandler handler = {.ended = on_ended};
    Journal *journal = rig_journal(rig, plan->owner);
    unsigned ended = 0;
    Execution *execution = execution_run(&rig->engine, journal, plan->steps, &handler, &ended);

    execution_set_guest(execution, GUEST_UID, GUEST_UID);
    for (unsigned i = 0; i < turns && ended == 0 && rig_turn(rig); i++)
        ;
    rig_die(rig, false);
    if (ended == 0)
        execution_free(execution);
    journal_close(journal);
    rig_come_again(rig);
    return ended > 0;
}

static void leave_start_behind(Rig *rig)
{
    g_autoptr(Plan) plan = rig_plan(rig);

    ck_assert(leave_behind(rig, plan, G_MAXUINT));
}

/* True if it had come to its end. */
static bool leave_some_bind_behind(Rig *rig, const char *address, unsigned turns)
{
    BindWish wish = {};
    g_autoptr(Host) host = NULL;
    g_autoptr(Plan) plan = NULL;
    _cleanup_fault_ Fault *fault = NULL;

    pci_address_from_string(address, &wish.address);
    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    ck_assert_int_eq(plan_bind(host, NULL, &wish, &plan, &fault), 0);
    return leave_behind(rig, plan, turns);
}

static void leave_bind_behind(Rig *rig, const char *address)
{
    ck_assert(leave_some_bind_behind(rig, address, G_MAXUINT));
}

static const char *build_gpu_and_disk(FakeHost *host)
{
    const char *definition = build_gpu(host);

    fake_host_add_disk(host, "0000:04:00.0", NULL, 9, "nvme0n1");
    return definition;
}

static void assert_refused(int r, Fault *fault, FaultKind kind, const char *words)
{
    ck_assert_int_eq(r, FAULT_RAISED);
    ck_assert_int_eq(fault->kind, kind);
    ck_assert_msg(strstr(fault->message, words), "%s", fault->message);
    fault_free(fault);
}

static int try_bind(Manager *manager, const char *address, Fault **ret_fault)
{
    BindWish wish = {};
    unsigned job;

    pci_address_from_string(address, &wish.address);
    return manager_bind(manager, &wish, &job, ret_fault);
}

static int try_restore(Manager *manager, const char *address, Fault **ret_fault)
{
    PciAddress parsed;
    unsigned job;

    pci_address_from_string(address, &parsed);
    return manager_restore(manager, parsed, &job, ret_fault);
}

static void on_planned(const GPtrArray *steps, const Fault *fault, void *userdata)
{
    unsigned *count = userdata;

    ck_assert_msg(steps, "%s", fault ? fault->message : "");
    *count = steps->len;
}

/* How many steps a start would take. */
static unsigned count_steps(const Rig *rig, Manager *manager, const char *guest)
{
    unsigned count = G_MAXUINT;

    ck_assert_int_eq(manager_plan_start(manager, guest, false, on_planned, &count, NULL), 0);
    rig_settle(rig);
    ck_assert_msg(count != G_MAXUINT, "the plan was not told");
    return count;
}

START_TEST(a_start_that_fails_is_undone_and_says_why)
{
    for (unsigned n = 0; n < 10; n++) {
        A_RIG(build_gpu);
        _cleanup_manager_ Manager *manager = come_up(&rig);
        unsigned job;
        /* The GPU is awake already, nothing is written. */
        if (n == 2)
            continue;
        fake_workers_fail(rig.engine.workers, n, EBUSY);
        ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
        rig_settle(&rig);
        GuestView view = view_of(manager, "win10");
        ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
        ck_assert_msg(strstr(guest_fault(view.guest)->message, "Device or resource busy"), "%s",
                      guest_fault(view.guest)->message);
        ck_assert(!guest_has_leftovers(view.guest));
        ck_assert_ptr_null(manager_job(manager, job));
        rig_assert_restored(&rig);
    }
}
END_TEST

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

START_TEST(a_guest_that_was_found_running_keeps_its_group)
{
    A_RIG(build_gpu);
    Fault *fault = NULL;
    leave_start_behind(&rig);
    define(&rig, "other", rig.definition);
    fake_host_open_group(rig.host, 12);
    fake_launcher_found(rig.engine.launcher, "win10", 4242);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    unsigned job;
    int r = manager_start(manager, "other", NULL, &job, &fault);
    assert_refused(r, fault, FAULT_IN_USE, "win10");
    r = try_bind(manager, "0000:01:00.0", &fault);
    assert_refused(r, fault, FAULT_IN_USE, "win10");
    r = try_restore(manager, "0000:01:00.0", &fault);
    assert_refused(r, fault, FAULT_IN_USE, "win10");
    ck_assert_str_eq(fake_host_mishaps(rig.host), "");
}
END_TEST

START_TEST(a_guest_that_is_still_looked_for_is_not_said_to_be_stopped)
{
    A_RIG(build_gpu);
    Fault *fault = NULL;
    unsigned job;
    leave_start_behind(&rig);
    fake_launcher_found(rig.engine.launcher, "win10", 4242);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    int r = manager_start(manager, "win10", NULL, &job, &fault);
    assert_refused(r, fault, FAULT_BUSY, "usherd was restarted, and guest win10 has not answered yet");
    r = manager_undefine(manager, "win10", &fault);
    assert_refused(r, fault, FAULT_BUSY, "usherd was restarted, and guest win10 has not answered yet");
}
END_TEST

static const char *build_processors(FakeHost *host)
{
    fake_host_add_cpus(host, 8, NULL);
    return "[CPU]\nAccelerator=tcg\nPin=2-3\nIsolate=yes\n";
}

START_TEST(a_guest_that_was_found_running_keeps_its_processors)
{
    A_RIG(build_processors);
    Fault *fault = NULL;
    unsigned job;

    leave_start_behind(&rig);
    define(&rig, "other", "[CPU]\nAccelerator=tcg\nPin=3-4\nIsolate=yes\n");
    define(&rig, "third", "[CPU]\nAccelerator=tcg\nPin=4-5\nIsolate=yes\n");
    fake_launcher_found(rig.engine.launcher, "win10", 4242);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    int r = manager_start(manager, "other", NULL, &job, &fault);
    assert_refused(r, fault, FAULT_IN_USE, "host CPU 3 is reserved for guest win10");
    ck_assert_int_eq(manager_start(manager, "third", NULL, &job, NULL), 0);
    rig_settle(&rig);
    g_autofree char *allowed = fake_host_allowed_cpus(rig.host, "system.slice");
    ck_assert_str_eq(allowed, "0-1,6-7");
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

START_TEST(two_guests_never_get_one_group)
{
    A_RIG(build_gpu);
    Fault *fault = NULL;
    unsigned job;
    define(&rig, "other", rig.definition);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    for (unsigned i = 0; i < 60; i++) {
        int r = manager_start(manager, "other", NULL, &job, &fault);
        assert_refused(r, fault, FAULT_IN_USE, "win10");
        rig_turn(&rig);
    }
}
END_TEST

START_TEST(what_was_not_given_back_stays_claimed_over_a_restart_until_it_is_believed)
{
    A_RIG(build_gpu);
    Fault *fault = NULL;
    unsigned job;
    leave_start_behind(&rig);
    define(&rig, "other", rig.definition);
    fake_host_set_driver(rig.host, "0000:01:00.1", "pci-stub");
    _cleanup_manager_ Manager *manager = come_up(&rig);
    for (unsigned i = 0; i < 3; i++) {
        rig_settle(&rig);
        GuestView view = view_of(manager, "win10");
        ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
        ck_assert(guest_has_leftovers(view.guest));
        int r = manager_start(manager, "win10", NULL, &job, &fault);
        assert_refused(r, fault, FAULT_DRIFT, "not all of its last run was restored");
        r = manager_start(manager, "other", NULL, &job, &fault);
        assert_refused(r, fault, FAULT_IN_USE, "win10");
        manager = restart(&rig, manager);
    }
    rig_settle(&rig);
    ck_assert_int_eq(try_restore(manager, "0000:01:00.1", NULL), 0);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_STOPPED);
    ck_assert(!guest_has_leftovers(view.guest));
    ck_assert(!rig_has_journals(&rig));
    ck_assert_uint_gt(count_steps(&rig, manager, "other"), 0);
}
END_TEST

START_TEST(a_group_bound_by_hand_is_found_again_and_a_guest_may_have_it)
{
    A_RIG(build_gpu);
    Fault *fault = NULL;
    leave_bind_behind(&rig, "0000:01:00.0");
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    const HostDevice *device;
    ck_assert_int_eq(manager_find_device(manager, "01:00.0", &device, NULL), 0);
    ck_assert_str_eq(manager_device_state(manager, device), "bound");
    int r = try_bind(manager, "0000:01:00.0", &fault);
    assert_refused(r, fault, FAULT_REFUSED, "bound to vfio-pci already");
    ck_assert_uint_eq(count_steps(&rig, manager, "win10"), 1);
}
END_TEST

static const char *build_keyboard(FakeHost *host)
{
    g_autofree char *path = g_build_filename(fake_host_path(host), "dev/input/event5", NULL),
                    *folder = g_path_get_dirname(path);

    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, "", 0, NULL));
    return "[Input keyboard]\nDevice=/dev/input/event5\n";
}

static void own_keyboard(const Rig *rig, uid_t uid)
{
    ck_assert_int_eq(fchownat(rig->engine.step_place.dev_fd, "input/event5", uid, uid, 0), 0);
}

/* The keyboard of a guest without devices, as a daemon that died then leaves it. */
static void leave_keyboard_behind(Rig *rig)
{
    g_autoptr(Plan) plan = plan_new(OWNER);

    g_ptr_array_add(plan->steps, step_new(STEP_NODE_OWNER, "/dev/input/event5", "0:0", STEP_VALUE_GUEST));
    ck_assert(leave_behind(rig, plan, G_MAXUINT));
}

static void assert_leftover(Rig *rig, Manager *manager, const char *remedy)
{
    Fault *fault = NULL;
    unsigned job;

    rig_settle(rig);
    ck_assert(guest_at_rest(view_of(manager, "win10").guest));
    ck_assert(guest_has_leftovers(view_of(manager, "win10").guest));
    int r = manager_start(manager, "win10", NULL, &job, &fault);
    ck_assert_msg(fault && strstr(fault->remedy, remedy), "%s", fault ? fault->remedy : "started");
    assert_refused(r, fault, FAULT_DRIFT, "not all of its last run was restored");
    r = manager_undefine(manager, "win10", &fault);
    ck_assert_msg(fault && strstr(fault->remedy, remedy), "%s", fault ? fault->remedy : "removed");
    assert_refused(r, fault, FAULT_DRIFT, "not all of its last run was restored");
    r = manager_stop(manager, "win10", true, &job, &fault);
    assert_refused(r, fault, FAULT_NOT_RUNNING, "is not running");
}

static void stop_again(Rig *rig, Manager *manager)
{
    unsigned job = 0;

    ck_assert_int_eq(manager_stop(manager, "win10", false, &job, NULL), 0);
    ck_assert_ptr_nonnull(manager_job(manager, job));
    rig_settle(rig);
}

START_TEST(what_a_guest_without_devices_left_is_tried_again_by_a_stop)
{
    A_RIG(build_keyboard);
    leave_keyboard_behind(&rig);
    fake_workers_fail(rig.engine.workers, 0, EBUSY);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    assert_leftover(&rig, manager, "usherctl stop win10");
    stop_again(&rig, manager);
    ck_assert_int_eq(guest_state(view_of(manager, "win10").guest), GUEST_STOPPED);
    ck_assert(!rig_has_journals(&rig));
}
END_TEST

START_TEST(what_somebody_else_changed_of_it_is_believed_then)
{
    A_RIG(build_keyboard);
    leave_keyboard_behind(&rig);
    own_keyboard(&rig, 1000);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    const Fault *fault = guest_fault(view_of(manager, "win10").guest);
    ck_assert_int_eq(fault->kind, FAULT_DRIFT);
    ck_assert_msg(g_str_has_suffix(fault->remedy, "usherctl stop win10"), "%s", fault->remedy);
    assert_leftover(&rig, manager, "usherctl stop win10");
    stop_again(&rig, manager);
    ck_assert_int_eq(guest_state(view_of(manager, "win10").guest), GUEST_STOPPED);
    ck_assert(!rig_has_journals(&rig));
}
END_TEST

/* A device is only believed to be right if it is named. */
START_TEST(a_device_that_somebody_else_took_is_tried_again_by_a_stop_and_not_believed)
{
    A_RIG(build_gpu);
    leave_start_behind(&rig);
    fake_host_set_driver(rig.host, "0000:01:00.1", "pci-stub");
    _cleanup_manager_ Manager *manager = come_up(&rig);
    assert_leftover(&rig, manager, "usherctl restore DEVICE");
    stop_again(&rig, manager);
    const Fault *fault = guest_fault(view_of(manager, "win10").guest);
    ck_assert_int_eq(fault->kind, FAULT_DRIFT);
    ck_assert_msg(g_str_has_suffix(fault->remedy, "usherctl restore 0000:01:00.1"), "%s", fault->remedy);
    assert_leftover(&rig, manager, "usherctl restore DEVICE");
    fake_host_set_driver(rig.host, "0000:01:00.1", "vfio-pci");
    stop_again(&rig, manager);
    ck_assert_int_eq(guest_state(view_of(manager, "win10").guest), GUEST_STOPPED);
    rig_assert_restored(&rig);
}
END_TEST

static bool bind_is_whole(const Rig *rig)
{
    Journal *journal = rig_journal(rig, "bind/0000:01:00.0");
    g_autoptr(GPtrArray) standing = NULL;

    ck_assert_int_eq(journal_read(journal, &standing, NULL), 0);
    journal_close(journal);
    return undo_is_whole_bind(standing);
}

START_TEST(half_a_bind_that_is_undone_after_a_restart_is_nobodys_meanwhile)
{
    bool whole = false;
    unsigned refusals = 0, job;

    for (unsigned turn = 1; !whole; turn++) {
        A_RIG(build_gpu);
        Fault *fault = NULL;
        leave_some_bind_behind(&rig, "0000:01:00.0", turn);
        whole = bind_is_whole(&rig);
        _cleanup_manager_ Manager *manager = come_up(&rig);
        for (; !whole && rig_has_journals(&rig); refusals++) {
            int r = manager_start(manager, "win10", NULL, &job, &fault);
            assert_refused(r, fault, FAULT_IN_USE, "is changing hands for 0000:01:00.0");
            r = try_bind(manager, "0000:01:00.1", &fault);
            ck_assert_int_eq(r, FAULT_RAISED);
            fault_free(fault);
            rig_turn(&rig);
        }
        rig_settle(&rig);
        if (!whole)
            rig_assert_restored(&rig);
        ck_assert_uint_gt(count_steps(&rig, manager, "win10"), 0);
    }
    ck_assert_uint_gt(refusals, 0);
}
END_TEST

static void on_held(const GPtrArray *holders, const Fault *fault, void *userdata)
{
    GString *text = userdata;

    ck_assert(holders);
    for (unsigned i = 0; i < holders->len; i++) {
        const Holder *holder = g_ptr_array_index(holders, i);
        g_string_append_printf(text, "%s %s;", holder_kind_to_string(holder->kind), holder->what);
    }
    g_string_append_c(text, '|');
}

START_TEST(who_holds_a_device_is_told_to_all_who_ask_in_turn)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *text = g_string_new(NULL);
    PciAddress gpu;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    fake_workers_find_holder(rig.engine.workers,
                             holder_new(HOLDER_FILE, "0000:01:00.0", "/dev/dri/card1", 7, "x", "", ""));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, text, NULL), 0);
    ck_assert_str_eq(text->str, "");
    rig_settle(&rig);
    ck_assert_str_eq(text->str, "file /dev/dri/card1;|file /dev/dri/card1;|file /dev/dri/card1;|");
    /* A caller who may not take the device must not claim its disks, either. */
    ck_assert_uint_eq(fake_workers_claims(rig.engine.workers), 0);
    ck_assert_int_eq(manager_holders(manager, gpu, true, on_held, text, NULL), 0);
    rig_settle(&rig);
    ck_assert_uint_eq(fake_workers_claims(rig.engine.workers), 1);
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(too_many_questions_are_put_off)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *text = g_string_new(NULL);
    Fault *fault = NULL;
    PciAddress gpu;
    int r = 0;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    for (unsigned i = 0; i < 256; i++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, text, NULL), 0);
    r = manager_holders(manager, gpu, false, on_held, text, &fault);
    assert_refused(r, fault, FAULT_BUSY, "256 questions");
    rig_settle(&rig);
    ck_assert_uint_eq(text->len, 256);
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(who_leaves_takes_the_question_along_and_the_others_are_answered)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    GString *first = g_string_new(NULL), *second = g_string_new(NULL), *third = g_string_new(NULL);
    PciAddress gpu;

    ck_assert_int_eq(pci_address_from_string("0000:01:00.0", &gpu), 0);
    for (GString **text = (GString *[]){first, second, third, NULL}; *text; text++)
        ck_assert_int_eq(manager_holders(manager, gpu, false, on_held, *text, NULL), 0);
    /* Drops a question that is being asked, and one that waits. */
    manager_forget(manager, first);
    manager_forget(manager, third);
    manager_forget(manager, "nobody asked this");
    rig_settle(&rig);
    ck_assert_uint_eq(first->len, 0);
    ck_assert_uint_eq(second->len, 1);
    ck_assert_uint_eq(third->len, 0);
    g_string_free(first, TRUE);
    g_string_free(second, TRUE);
    g_string_free(third, TRUE);
}
END_TEST

START_TEST(a_guest_whose_device_is_in_use_is_not_started_and_claims_nothing)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    unsigned job;

    fake_workers_find_holder(rig.engine.workers,
                             holder_new(HOLDER_FILE, "0000:01:00.0", "/dev/dri/card1", 7, "x", "", ""));
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(view.guest)->kind, FAULT_IN_USE);
    ck_assert_uint_eq(fake_launcher_starts(rig.engine.launcher, "win10"), 0);
    rig_assert_restored(&rig);
    fake_workers_find_holder(rig.engine.workers, NULL);
    ck_assert_uint_gt(count_steps(&rig, manager, "win10"), 0);
}
END_TEST

/* What another manager has bound, for a guest of its own. */
static const char *build_foreign(FakeHost *host)
{
    fake_host_add_function(host,
                           &(FakeFunction){.address = "0000:03:00.0", .group = 12, .driver = "xhci_hcd"});
    fake_host_set_driver(host, "0000:03:00.0", "vfio-pci");
    return "[PCI usb]\nAddress=0000:03:00.0\n";
}

static void on_planned_at_all(const GPtrArray *steps, const Fault *fault, void *userdata)
{
    Fault **kept = userdata;

    ck_assert_ptr_null(steps);
    *kept = fault_copy(fault);
}

START_TEST(a_device_that_another_managers_guest_has_is_refused_by_plan_and_start_alike)
{
    static const char said[] =
        "qemu-system-x86 (pid 7, machine-x.scope) has /dev/vfio/12 of 0000:03:00.0 open";
    A_RIG(build_foreign);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    _cleanup_fault_ Fault *planned = NULL;
    unsigned job;

    fake_workers_find_holder(rig.engine.workers, holder_new(HOLDER_FILE, "0000:03:00.0", "/dev/vfio/12", 7,
                                                            "qemu-system-x86", "machine-x.scope", ""));
    ck_assert_int_eq(manager_plan_start(manager, "win10", false, on_planned_at_all, &planned, NULL), 0);
    rig_settle(&rig);
    ck_assert_ptr_nonnull(planned);
    ck_assert_int_eq(planned->kind, FAULT_IN_USE);
    ck_assert_str_eq(planned->message, said);
    ck_assert_int_eq(manager_start(manager, "win10", NULL, &job, NULL), 0);
    rig_settle(&rig);
    GuestView view = view_of(manager, "win10");
    ck_assert_int_eq(guest_state(view.guest), GUEST_FAILED);
    ck_assert_int_eq(guest_fault(view.guest)->kind, FAULT_IN_USE);
    ck_assert_str_eq(guest_fault(view.guest)->message, said);
    ck_assert_uint_eq(fake_launcher_starts(rig.engine.launcher, "win10"), 0);
    rig_assert_restored(&rig);
}
END_TEST

START_TEST(a_job_says_how_a_bind_by_hand_ended)
{
    A_RIG(build_gpu);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    fake_workers_fail(rig.engine.workers, 7, EPERM);
    ck_assert_int_eq(try_bind(manager, "0000:01:00.0", NULL), 0);
    g_autoptr(GArray) jobs = manager_jobs(manager);
    ck_assert_uint_eq(jobs->len, 1);
    rig_settle(&rig);
    g_autoptr(GArray) none = manager_jobs(manager);
    ck_assert_uint_eq(none->len, 0);
    rig_assert_restored(&rig);
}
END_TEST

static const char *build_slow(FakeHost *host)
{
    fake_host_add_cpus(host, 8, "schedutil");
    return "Pin=2-3\n";
}

static void on_checked(const GPtrArray *findings, void *userdata)
{
    char **message = userdata;

    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = g_ptr_array_index(findings, i);
        if (g_str_equal(finding->id, "governor"))
            *message = g_strdup(finding->message);
    }
}

START_TEST(a_check_sees_what_no_event_tells_of)
{
    A_RIG(build_slow);
    _cleanup_manager_ Manager *manager = come_up(&rig);
    g_autofree char *before = NULL, *after = NULL;

    manager_check(manager, on_checked, &before);
    ck_assert_str_eq(before,
                     "guest win10 has host CPUs of its own, and schedutil lowers their speed (CPU 2)");
    fake_host_set_governor(rig.host, 2, "performance");
    fake_host_set_governor(rig.host, 3, "performance");
    manager_check(manager, on_checked, &after);
    ck_assert_ptr_null(after);
}
END_TEST

SUITE("manager", a_start_that_fails_is_undone_and_says_why, several_owners_are_found_again_each_as_it_was,
      a_crash_at_any_turn_of_a_start_is_recovered,
      a_whole_journal_with_any_bit_flipped_is_undone_all_the_same, a_journal_that_ends_at_any_byte_is_undone,
      journals_full_of_rubbish_stop_nothing, a_guest_that_was_found_running_keeps_its_group,
      a_guest_that_is_still_looked_for_is_not_said_to_be_stopped,
      a_guest_that_was_found_running_keeps_its_processors,
      a_damaged_journal_takes_no_device_from_a_running_guest, two_guests_never_get_one_group,
      what_was_not_given_back_stays_claimed_over_a_restart_until_it_is_believed,
      what_a_guest_without_devices_left_is_tried_again_by_a_stop,
      what_somebody_else_changed_of_it_is_believed_then,
      a_device_that_somebody_else_took_is_tried_again_by_a_stop_and_not_believed,
      half_a_bind_that_is_undone_after_a_restart_is_nobodys_meanwhile,
      a_group_bound_by_hand_is_found_again_and_a_guest_may_have_it, a_job_says_how_a_bind_by_hand_ended,
      who_holds_a_device_is_told_to_all_who_ask_in_turn, too_many_questions_are_put_off,
      who_leaves_takes_the_question_along_and_the_others_are_answered,
      a_guest_whose_device_is_in_use_is_not_started_and_claims_nothing,
      a_device_that_another_managers_guest_has_is_refused_by_plan_and_start_alike,
      a_check_sees_what_no_event_tells_of)
