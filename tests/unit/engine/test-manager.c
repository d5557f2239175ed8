/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may have what, over a daemon that dies and comes again. */
#include <string.h>
#include <unistd.h>

#include "../../../daemon/engine/manager/check.h"
#include "../../../daemon/engine/execution/undo.h"
#include "manager-left.h"

static Manager *restart(Rig *rig, Manager *manager)
{
    rig_die(rig, false);
    manager_free(manager);
    rig_come_again(rig);
    return come_up(rig);
}

static int try_bind(Manager *manager, const char *address, Fault **ret_fault)
{
    BindWish wish = {};
    unsigned job;

    pci_address_from_string(address, &wish.address);
    return manager_bind(manager, &wish, &job, ret_fault);
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

static const char *build_host_cpus(FakeHost *host)
{
    fake_host_add_cpus(host, 8, NULL);
    return "[CPU]\nAccelerator=tcg\nPin=2-3\nIsolate=yes\n";
}

START_TEST(a_guest_that_was_found_running_keeps_its_host_cpus)
{
    A_RIG(build_host_cpus);
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
    /* The group's node, and of both functions how QEMU gets them. */
    ck_assert_uint_eq(count_steps(&rig, manager, "win10"), 3);
}
END_TEST

/* An NVSwitch: the class of bridges (0680), and a driver of its own. */
static const char *build_switch(FakeHost *host)
{
    fake_host_add_function(host, &(FakeFunction){.address = "0000:05:00.0",
                                                 .group = 30,
                                                 .vendor = 0x10de,
                                                 .device = 0x1af1,
                                                 .class = 0x068000,
                                                 .driver = "nvidia-nvswitch"});
    return "[PCI switch]\nAddress=0000:05:00.0\n";
}

START_TEST(a_device_of_the_class_of_bridges_is_listed_bound_and_lent_as_any_other)
{
    A_RIG(build_switch);
    Fault *fault = NULL;
    _cleanup_manager_ Manager *manager = come_up(&rig);
    rig_settle(&rig);
    const HostDevice *device;
    ck_assert_int_eq(manager_find_device(manager, "05:00.0", &device, NULL), 0);
    ck_assert_str_eq(manager_device_state(manager, device), "host");
    ck_assert_uint_gt(count_steps(&rig, manager, "win10"), 0);
    ck_assert_int_eq(try_bind(manager, "0000:05:00.0", &fault), 0);
    rig_settle(&rig);
    ck_assert_int_eq(manager_find_device(manager, "05:00.0", &device, NULL), 0);
    ck_assert_str_eq(manager_device_state(manager, device), "bound");
    ck_assert_int_eq(try_restore(manager, "0000:05:00.0", NULL), 0);
    rig_settle(&rig);
    ck_assert_int_eq(manager_find_device(manager, "05:00.0", &device, NULL), 0);
    ck_assert_str_eq(manager_device_state(manager, device), "host");
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
            assert_refused(r, fault, FAULT_IN_USE, "is being bound or restored together with 0000:01:00.0");
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

SUITE("manager", a_start_that_fails_is_undone_and_says_why, a_guest_that_was_found_running_keeps_its_group,
      a_guest_that_is_still_looked_for_is_not_said_to_be_stopped,
      a_guest_that_was_found_running_keeps_its_host_cpus, two_guests_never_get_one_group,
      what_was_not_given_back_stays_claimed_over_a_restart_until_it_is_believed,
      what_a_guest_without_devices_left_is_tried_again_by_a_stop,
      what_somebody_else_changed_of_it_is_believed_then,
      a_device_that_somebody_else_took_is_tried_again_by_a_stop_and_not_believed,
      half_a_bind_that_is_undone_after_a_restart_is_nobodys_meanwhile,
      a_device_of_the_class_of_bridges_is_listed_bound_and_lent_as_any_other, a_group_bound_by_hand_is_found_again_and_a_guest_may_have_it, a_job_says_how_a_bind_by_hand_ended,
      a_check_sees_what_no_event_tells_of)
