/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a scan of the fake host to a plan, its steps, the journal, and back: with a crash at every point, and
 * with a failure of every write. The code here that takes the steps is as plain as can be; the executor has
 * tests of its own. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/core/definition/definition.h"
#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/core/plan/plan.h"
#include "../../../daemon/edge/scan/host-scan.h"
#include "../../../daemon/edge/store/journal.h"
#include "../../../daemon/edge/hand/step-act.h"
#include "../fake-host.h"
#include "../suite.h"

#define OWNER "guest/win10"
#define GUEST_UID "64001:64001"

typedef struct Rig {
    FakeHost *fake;
    StepPlace place;
    int journal_fd;
    Plan *plan;
    char *beginning;
} Rig;

typedef void (*Build)(FakeHost *fake, GPtrArray *sections);

static DefinitionPci *add_section(GPtrArray *sections, const char *address)
{
    DefinitionPci *section = g_new0(DefinitionPci, 1);
    section->name = (char *)"x";
    ck_assert_int_eq(pci_address_from_string(address, &section->address), 0);
    g_ptr_array_add(sections, section);
    return section;
}

/* The case of the manual: a GPU with its audio function. */
static void build_gpu(FakeHost *fake, GPtrArray *sections)
{
    fake_host_add_bridge(fake, "0000:00:01.0", NULL, 12);
    fake_host_add_gpu(fake, "0000:01:00", "0000:00:01.0", 12);
    add_section(sections, "0000:01:00.0");
}

/* vfio-pci is not loaded yet, and one function is awake by somebody's wish. */
static void build_cold(FakeHost *fake, GPtrArray *sections)
{
    build_gpu(fake, sections);
    fake_host_unload_vfio_pci(fake);
    fake_host_set_power_control(fake, "0000:01:00.1", "on");
}

/* Two groups, one of them with strangers, overrides of all sorts, a member on vfio-pci already. */
static void build_crowd(FakeHost *fake, GPtrArray *sections)
{
    build_gpu(fake, sections);
    ((DefinitionPci *)g_ptr_array_index(sections, 0))->whole_group = true;
    fake_host_add_network_card(fake, "0000:02:00.0", "0000:00:01.0", 12, "eth0");
    fake_host_set_override(fake, "0000:02:00.0", "vfio-pci");
    fake_host_add_function(fake, &(FakeFunction){.address = "0000:02:00.1", .group = 12, .no_d3cold = true});
    fake_host_set_override(fake, "0000:02:00.1", "none");
    fake_host_add_function(fake,
                           &(FakeFunction){.address = "0000:03:00.0", .group = 12, .driver = "xhci_hcd"});
    fake_host_set_driver(fake, "0000:03:00.0", "vfio-pci");
    fake_host_add_disk(fake, "0000:04:00.0", NULL, 9, "nvme0n1");
    fake_host_set_override(fake, "0000:04:00.0", "nvme");
    add_section(sections, "0000:04:00.0");
}

/* The disk behind it goes with its driver, and comes back with it. */
static void build_vmd(FakeHost *fake, GPtrArray *sections)
{
    fake_host_add_vmd(fake, "0000:00:0e.0", 12);
    add_section(sections, "0000:00:0e.0");
}

static const Build builds[] = {build_gpu, build_cold, build_crowd, build_vmd};

static Plan *make_plan(FakeHost *fake, const GPtrArray *sections)
{
    HostPlace place = {.sys_fd = fake_host_sys_fd(fake), .proc_fd = fake_host_proc_fd(fake)};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    GuestDefinition guest = {
        .name = (char *)"win10", .memory.numa = none, .pci = (GPtrArray *)sections, .networks = none, .usbs = none};
    g_autoptr(Host) host = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;
    ck_assert_int_eq(host_scan(&place, NULL, &host), 0);
    int r = plan_start(host, NULL, &guest, &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : strerror(-r));
    return plan;
}

static Rig rig_new(Build build)
{
    g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func(g_free);
    Rig rig = {.fake = fake_host_new()};
    build(rig.fake, sections);
    rig.place = (StepPlace){.sys_fd = fake_host_sys_fd(rig.fake),
                            .dev_fd = fake_host_dev_fd(rig.fake),
                            .proc_fd = fake_host_proc_fd(rig.fake)};
    rig.plan = make_plan(rig.fake, sections);
    rig.beginning = fake_host_snapshot_text(rig.fake);

    g_autofree char *path = g_build_filename(fake_host_path(rig.fake), "journal", NULL);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    rig.journal_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(rig.journal_fd, 0);
    return rig;
}

static void rig_free(Rig *rig)
{
    close_fd(rig->journal_fd);
    plan_free(rig->plan);
    g_free(rig->beginning);
    fake_host_free(rig->fake);
}

#define A_RIG(build) __attribute__((cleanup(rig_free))) Rig rig = rig_new(build)

static Journal *open_journal(const Rig *rig)
{
    Journal *journal = NULL;
    ck_assert_int_eq(journal_open(rig->journal_fd, OWNER, &journal), 0);
    return journal;
}

/* A crash is a moment after which nothing is done any more. The moments: before the begin record, between
 * that and the act, between the act and the done record. */
typedef struct Fate {
    unsigned left; /* moments until the crash */
    bool dead;
} Fate;

static bool survives(Fate *fate)
{
    if (fate->left-- == 0)
        fate->dead = true;
    return !fate->dead;
}

/* Returns false when the daemon died or a step failed. */
static bool take_step(const Rig *rig, Journal *journal, const Step *planned, Fate *fate, int *ret_error)
{
    bool guest = strcmp(planned->after, STEP_VALUE_GUEST) == 0;
    g_autoptr(Step) step =
        step_new(planned->kind, planned->subject, planned->before, guest ? GUEST_UID : planned->after);
    unsigned number = journal_next(journal);
    g_autofree char *live = NULL;
    g_autoptr(GPtrArray) holders = NULL;

    if (!survives(fate))
        return false;
    ck_assert_int_eq(journal_write(journal, JOURNAL_BEGIN, number, step), 0);
    if (!survives(fate))
        return false;
    WorkerVerdict outcome = step_act(&rig->place, step, &live, ret_error, &holders);
    ck_assert_int_ne(outcome, WORKER_DRIFT);
    if (outcome == WORKER_FAILED || !survives(fate))
        return false;
    ck_assert_int_eq(journal_write(journal, JOURNAL_DONE, number, step), 0);
    return true;
}

/* Returns how many steps were taken in full. */
static unsigned run(const Rig *rig, Fate *fate, int *ret_error)
{
    Journal *journal = open_journal(rig);
    unsigned i = 0;
    while (i < rig->plan->steps->len &&
           take_step(rig, journal, g_ptr_array_index(rig->plan->steps, i), fate, ret_error))
        i++;
    journal_close(journal);
    return i;
}

/* Walks the journal backwards; returns false when the daemon died. left_alone counts the steps in drift. */
static bool undo(const Rig *rig, Fate *fate, unsigned *ret_left_alone)
{
    Journal *journal = open_journal(rig);
    g_autoptr(GPtrArray) standing = NULL;
    unsigned left_alone = 0;
    ck_assert_int_eq(journal_read(journal, &standing, NULL), 0);

    for (unsigned i = standing->len; i-- > 0 && !fate->dead;) {
        const JournalOpen *open = g_ptr_array_index(standing, i);
        g_autoptr(Step) step = step_undo(open->step);
        g_autofree char *live = NULL;
        g_autoptr(GPtrArray) holders = NULL;
        int error = 0;
        if (!survives(fate))
            break;
        WorkerVerdict outcome = step_kind_kept(step->kind)
                                  ? WORKER_DONE
                                  : step_act(&rig->place, step, &live, &error, &holders);
        ck_assert_msg(outcome != WORKER_FAILED, "%s of %s: %s", step_kind_to_string(step->kind),
                      step->subject, strerror(-error));
        left_alone += outcome == WORKER_DRIFT;
        if (survives(fate))
            ck_assert_int_eq(journal_write(journal, JOURNAL_UNDONE, open->number, open->step), 0);
    }
    if (ret_left_alone)
        *ret_left_alone = left_alone;
    if (fate->dead)
        journal_close(journal);
    else
        journal_remove(journal);
    return !fate->dead;
}

static void assert_as_in_the_beginning(const Rig *rig)
{
    g_autofree char *text = fake_host_snapshot_text(rig->fake);
    ck_assert_str_eq(text, rig->beginning);
    ck_assert_str_eq(fake_host_mishaps(rig->fake), "");
    g_auto(GStrv) owners = NULL;
    ck_assert_int_eq(journal_owners(rig->journal_fd, &owners), 0);
    ck_assert_uint_eq(g_strv_length(owners), 0);
}

static Fate forever(void)
{
    return (Fate){.left = G_MAXUINT};
}

static void undo_all(const Rig *rig)
{
    Fate fate = forever();
    unsigned left_alone;
    ck_assert(undo(rig, &fate, &left_alone));
    ck_assert_uint_eq(left_alone, 0);
    assert_as_in_the_beginning(rig);
}

START_TEST(a_plan_binds_what_was_asked_for_and_gives_the_node_to_the_guest)
{
    A_RIG(build_gpu);
    Fate fate = forever();
    int error = 0;
    ck_assert_uint_eq(run(&rig, &fate, &error), rig.plan->steps->len);
    g_autofree char *text = fake_host_snapshot_text(rig.fake);
    ck_assert_str_eq(text, "0000:00:01.0 driver=pcieport override=(null) power=auto d3cold=1\n"
                           "0000:01:00.0 driver=vfio-pci override=vfio-pci power=auto d3cold=0\n"
                           "0000:01:00.1 driver=vfio-pci override=vfio-pci power=auto d3cold=0\n"
                           "vfio/12 " GUEST_UID " 600\n"
                           "vfio/vfio 0:0 644\n");
    undo_all(&rig);
}
END_TEST

START_TEST(a_crash_at_any_moment_of_a_start_is_undone)
{
    for (size_t b = 0; b < G_N_ELEMENTS(builds); b++)
        for (unsigned moment = 0;; moment++) {
            A_RIG(builds[b]);
            Fate fate = {.left = moment};
            int error = 0;
            run(&rig, &fate, &error);
            undo_all(&rig);
            if (!fate.dead) {
                /* The crash came after the end: every moment before it was tried. */
                ck_assert_uint_eq(moment, rig.plan->steps->len * 3);
                break;
            }
        }
}
END_TEST

START_TEST(a_crash_at_any_moment_of_an_undo_is_taken_up_again)
{
    for (size_t b = 0; b < G_N_ELEMENTS(builds); b++)
        for (unsigned moment = 0;; moment++) {
            A_RIG(builds[b]);
            Fate start = forever(), stop = {.left = moment};
            int error = 0;
            run(&rig, &start, &error);
            if (undo(&rig, &stop, NULL)) {
                assert_as_in_the_beginning(&rig);
                ck_assert_uint_eq(moment, rig.plan->steps->len * 2);
                break;
            }
            undo_all(&rig);
        }
}
END_TEST

START_TEST(a_write_that_fails_is_told_and_what_was_done_is_undone)
{
    static const int errors[] = {EACCES, EBUSY, EINVAL, EIO, ENODEV, ENOMEM, EPERM};

    for (size_t b = 0; b < G_N_ELEMENTS(builds); b++)
        for (size_t e = 0; e < G_N_ELEMENTS(errors); e++)
            for (unsigned write = 0;; write++) {
                A_RIG(builds[b]);
                Fate fate = forever();
                int error = 0;
                fake_host_fail_write(rig.fake, write, errors[e]);
                unsigned taken = run(&rig, &fate, &error);
                if (taken == rig.plan->steps->len)
                    break;
                ck_assert_int_eq(error, -errors[e]);
                undo_all(&rig);
            }
}
END_TEST

START_TEST(a_probe_that_silently_fails_is_noticed_and_undone)
{
    static const char *const functions[] = {"0000:01:00.0", "0000:01:00.1"};
    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        A_RIG(build_gpu);
        Fate fate = forever();
        int error = 0;
        fake_host_fail_probe(rig.fake, functions[i]);
        ck_assert_uint_lt(run(&rig, &fate, &error), rig.plan->steps->len);
        ck_assert_int_eq(error, -EIO);
        undo_all(&rig);
    }
}
END_TEST

START_TEST(a_card_that_is_pulled_out_is_left_alone_and_the_others_come_back)
{
    A_RIG(build_gpu);
    Fate fate = forever();
    int error = 0;
    run(&rig, &fate, &error);
    fake_host_remove_device(rig.fake, "0000:01:00.1");
    fate = forever();
    unsigned left_alone;
    ck_assert(undo(&rig, &fate, &left_alone));
    /* Its probe, override, driver, d3cold and power. */
    ck_assert_uint_eq(left_alone, 5);
    g_autofree char *text = fake_host_snapshot_text(rig.fake);
    ck_assert_str_eq(text, "0000:00:01.0 driver=pcieport override=(null) power=auto d3cold=1\n"
                           "0000:01:00.0 driver=radeon override=(null) power=on d3cold=1\n"
                           "vfio/vfio 0:0 644\n");
}
END_TEST

START_TEST(what_somebody_rebound_is_left_to_him)
{
    A_RIG(build_gpu);
    Fate fate = forever();
    int error = 0;
    run(&rig, &fate, &error);
    fake_host_set_driver(rig.fake, "0000:01:00.1", "pci-stub");
    fate = forever();
    unsigned left_alone;
    ck_assert(undo(&rig, &fate, &left_alone));
    g_autofree char *audio = fake_host_driver(rig.fake, "0000:01:00.1");
    g_autofree char *gpu = fake_host_driver(rig.fake, "0000:01:00.0");
    ck_assert_str_eq(audio, "pci-stub");
    ck_assert_str_eq(gpu, "radeon");
    ck_assert_uint_gt(left_alone, 0);
}
END_TEST

START_TEST(a_plan_undone_can_be_carried_out_again)
{
    A_RIG(build_crowd);
    for (unsigned i = 0; i < 3; i++) {
        Fate fate = forever();
        int error = 0;
        ck_assert_uint_eq(run(&rig, &fate, &error), rig.plan->steps->len);
        undo_all(&rig);
    }
}
END_TEST

SUITE("plan-carried-out", a_plan_binds_what_was_asked_for_and_gives_the_node_to_the_guest,
      a_crash_at_any_moment_of_a_start_is_undone, a_crash_at_any_moment_of_an_undo_is_taken_up_again,
      a_write_that_fails_is_told_and_what_was_done_is_undone,
      a_probe_that_silently_fails_is_noticed_and_undone,
      a_card_that_is_pulled_out_is_left_alone_and_the_others_come_back, what_somebody_rebound_is_left_to_him,
      a_plan_undone_can_be_carried_out_again)
