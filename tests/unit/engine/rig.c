/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/engine/host-look.h"
#include "../../../daemon/engine/opener.h"
#include "rig.h"

/* What has not come by then never will. */
#define DEADLINE_USEC (20 * G_USEC_PER_SEC)

const char *build_gpu(FakeHost *host)
{
    fake_host_add_bridge(host, "0000:00:01.0", NULL, 12);
    fake_host_add_gpu(host, "0000:01:00", "0000:00:01.0", 12);
    return "[PCI gpu]\nAddress=0000:01:00.0\n";
}

const char *build_large(FakeHost *host)
{
    const char *gpu = build_gpu(host);
    static char text[1024];

    fake_host_add_node(host, 0, 7, 100);
    snprintf(text, sizeof(text), "%s[Memory]\nSize=64M\nHugePages=2M\n", gpu);
    return text;
}

const char *build_alone(FakeHost *host)
{
    const char *gpu = build_gpu(host);
    static char text[1024];

    fake_host_add_cpus(host, 8, "schedutil");
    /* Somebody has a limit of his own already. */
    fake_host_allow_cpus(host, "user.slice", "0-5");
    snprintf(text, sizeof(text), "%s[CPU]\nPin=2-3,7\nCores=3\nIsolate=yes\nGovernor=performance\n", gpu);
    return text;
}

const char *build_cold(FakeHost *host)
{
    const char *definition = build_gpu(host);

    fake_host_unload_vfio_pci(host);
    fake_host_set_power_control(host, "0000:01:00.1", "on");
    return definition;
}

const char *build_crowd(FakeHost *host)
{
    build_gpu(host);
    fake_host_add_network_card(host, "0000:02:00.0", "0000:00:01.0", 12, "eth0");
    fake_host_set_override(host, "0000:02:00.0", "vfio-pci");
    fake_host_add_function(host, &(FakeFunction){.address = "0000:02:00.1", .group = 12, .no_d3cold = true});
    fake_host_set_override(host, "0000:02:00.1", "none");
    fake_host_add_function(host,
                           &(FakeFunction){.address = "0000:03:00.0", .group = 12, .driver = "xhci_hcd"});
    fake_host_set_driver(host, "0000:03:00.0", "vfio-pci");
    fake_host_add_disk(host, "0000:04:00.0", NULL, 9, "nvme0n1");
    fake_host_set_override(host, "0000:04:00.0", "nvme");
    return "[PCI gpu]\nAddress=0000:01:00.0\nGroup=all\n[PCI disk]\nAddress=0000:04:00.0\n";
}

const char *build_functions(FakeHost *host)
{
    build_gpu(host);
    fake_host_add_network_card(host, "0000:02:00.0", NULL, 20, "eth0");
    fake_host_add_sriov(host, "0000:02:00.0", 4, 21, "igbvf");
    return "[PCI nic]\nAddress=0000:02:00.0\nVirtualFunctions=2\n[PCI gpu]\nAddress=0000:01:00.0\n";
}

const char *build_mediated(FakeHost *host)
{
    build_gpu(host);
    fake_host_add_function(host, &(FakeFunction){.address = "0000:02:00.0", .group = 20, .driver = "nvidia"});
    fake_host_add_mediated(host, "4b20d080-1b54-4048-85b3-a6a62d165c01", "0000:02:00.0", "nvidia-63", 40);
    return "[PCI vgpu]\nMediatedDevice=4b20d080-1b54-4048-85b3-a6a62d165c01\n"
           "[PCI gpu]\nAddress=0000:01:00.0\n";
}

const char *build_mediated_type(FakeHost *host)
{
    build_gpu(host);
    fake_host_add_function(host, &(FakeFunction){.address = "0000:02:00.0", .group = 20, .driver = "nvidia"});
    fake_host_add_mediated_type(host, "0000:02:00.0", "nvidia-63", "GRID M60-2Q", 1, 21);
    return "[PCI vgpu]\nAddress=0000:02:00.0\nMediatedType=nvidia-63\n[PCI gpu]\nAddress=0000:01:00.0\n";
}

const char *build_reset(FakeHost *host)
{
    build_gpu(host);
    return "[PCI gpu]\nAddress=0000:01:00.0\nResetBefore=yes\nResetAfter=yes\n";
}

const char *build_bar(FakeHost *host)
{
    build_gpu(host);
    fake_host_add_bar(host, "0000:01:00.0", 0, UINT64_C(256) << 20, 0x7f00);
    return "[PCI gpu]\nAddress=0000:01:00.0\nBarSize=8G\n";
}

static int open_folder(const Rig *rig, const char *name, char **ret_path)
{
    g_autofree char *path = g_build_filename(fake_host_path(rig->host), name, NULL);

    ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    if (ret_path)
        *ret_path = g_steal_pointer(&path);
    return fd;
}

static void let_go(Engine *engine)
{
    engine->workers = worker_pool_free(engine->workers);
    engine->launcher = launcher_free(engine->launcher);
    engine->sleep = sleep_watch_free(engine->sleep);
    g_clear_pointer(&engine->probe, fake_probe_free);
    engine->event = sd_event_unref(engine->event);
    engine->disks = disk_claims_free(engine->disks);
    engine->hangs = hangs_free(engine->hangs);
    g_clear_pointer(&engine->slice_steps, g_queue_free);
    g_clear_pointer(&engine->stuck, g_hash_table_destroy);
    g_clear_pointer(&engine->busy, g_hash_table_destroy);
    engine->ledger = ledger_free(engine->ledger);
}

void rig_come_again(Rig *rig)
{
    Engine *engine = &rig->engine;

    let_go(engine);
    ck_assert_int_ge(sd_event_new(&engine->event), 0);
    engine->workers = fake_workers_new(engine->event, rig->host);
    engine->launcher = fake_launcher_new(engine->event, rig->host);
    engine->sleep = fake_sleep_new();
    engine->probe = fake_probe_new();
    engine->disks = disk_claims_new();
    engine->hangs = hangs_new();
    engine->slice_steps = g_queue_new();
    engine->stuck = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    engine->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    engine->ledger = ledger_open(rig->state_fd);
}

Rig rig_new(RigBuild build)
{
    Rig rig = {.host = fake_host_new()};

    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    rig.definition = build(rig.host);
    rig.beginning = fake_host_snapshot_text(rig.host);
    close_fd(open_folder(&rig, "run", &rig.run_path));
    close_fd(open_folder(&rig, "definitions", &rig.definitions_path));
    rig.state_fd = open_folder(&rig, "state", &rig.state_path);
    rig.engine = (Engine){
        .host_place = {.sys_fd = fake_host_sys_fd(rig.host), .proc_fd = fake_host_proc_fd(rig.host)},
        .step_place = {.sys_fd = fake_host_sys_fd(rig.host), .dev_fd = fake_host_dev_fd(rig.host)},
        .qemu_path = "/bin/true",
        .run_path = rig.run_path,
        .definitions_path = rig.definitions_path,
        .tools_place.state_path = rig.state_path,
        .journal_fd = open_folder(&rig, "run/journal", NULL),
        .guests_fd = open_folder(&rig, "run/guests", NULL),
        .display_fd = open_folder(&rig, "run/display", NULL),
        .steps_fd = open_folder(&rig, "run/steps", NULL),
        .log_fd = open_folder(&rig, "log", NULL),
        .limits.slow_usec = 10 * G_USEC_PER_SEC,
        .limits.stuck_usec = 90 * G_USEC_PER_SEC,
        .limits.answer_usec = G_USEC_PER_SEC / 10,
        .limits.unplug_usec = G_USEC_PER_SEC / 10,
        .limits.launcher_usec = 60 * G_USEC_PER_SEC,
    };
    rig_come_again(&rig);
    return rig;
}

void rig_die(Rig *rig, bool finish)
{
    fake_workers_crash(rig->engine.workers, finish);
}

void rig_free(Rig *rig)
{
    let_go(&rig->engine);
    close_fd(rig->engine.journal_fd);
    close_fd(rig->engine.guests_fd);
    close_fd(rig->engine.display_fd);
    close_fd(rig->engine.steps_fd);
    close_fd(rig->engine.log_fd);
    close_fd(rig->state_fd);
    g_free(rig->beginning);
    g_free(rig->run_path);
    g_free(rig->definitions_path);
    g_free(rig->state_path);
    fake_host_free(rig->host);
}

Plan *rig_plan(const Rig *rig)
{
    DefinitionText text = {.path = "win10.guest", .text = rig->definition, .size = strlen(rig->definition)};
    GuestDefinition *definition = NULL;
    g_autoptr(Host) host = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    Plan *plan = NULL;

    ck_assert_int_eq(definition_parse("win10", &text, 1, &definition, &fault), 0);
    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    host_look_mediated(&rig->engine, definition, host);
    int r = plan_start(host, NULL, definition, &plan, &fault);
    ck_assert_msg(r == 0, "%s", fault ? fault->message : strerror(-r));
    for (unsigned i = 0; i < plan->devices->len; i++)
        ((PlanDevice *)g_ptr_array_index(plan->devices, i))->wish = NULL;
    for (unsigned i = 0, group = 21; i < plan->steps->len; i++) {
        Step *step = g_ptr_array_index(plan->steps, i);
        if (g_str_has_prefix(step->subject, "group of ")) {
            g_free(step->subject);
            step->subject = g_strdup_printf("/dev/vfio/%u", group++);
        }
    }
    definition_free(definition);
    return plan;
}

int rig_plan_rest(const Rig *rig, const GuestDefinition *definition, const DefinitionPci *section, Plan **ret,
                  Fault **ret_fault)
{
    g_autoptr(Host) host = NULL;

    ck_assert_int_eq(host_scan(&rig->engine.host_place, NULL, &host), 0);
    return section ? plan_attach_rest(host, NULL, OWNER, NULL, section, ret, ret_fault)
                   : plan_rest(host, NULL, definition, ret, ret_fault);
}

Journal *rig_journal(const Rig *rig, const char *owner)
{
    Journal *journal = NULL;

    ck_assert_int_eq(journal_open(rig->engine.journal_fd, owner, &journal), 0);
    return journal;
}

bool rig_turn(const Rig *rig)
{
    return sd_event_run(rig->engine.event, 0) > 0;
}

void rig_settle(const Rig *rig)
{
    while (rig_turn(rig))
        ;
}

void rig_until(const Rig *rig, const unsigned *count, unsigned wanted)
{
    while (*count < wanted)
        ck_assert_msg(sd_event_run(rig->engine.event, DEADLINE_USEC) > 0,
                      "what was waited for never happened");
}

bool rig_has_journals(const Rig *rig)
{
    g_auto(GStrv) owners = NULL;

    ck_assert_int_eq(journal_owners(rig->engine.journal_fd, &owners), 0);
    return owners[0] != NULL;
}

void rig_assert_host(const Rig *rig, const char *snapshot)
{
    g_autofree char *text = fake_host_snapshot_text(rig->host);

    ck_assert_str_eq(text, snapshot);
    ck_assert_str_eq(fake_host_mishaps(rig->host), "");
}

void rig_assert_only(const Rig *rig, const char *first, const char *second)
{
    g_autofree char *text = fake_host_snapshot_text(rig->host);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        ck_assert_msg(strstr(rig->beginning, *line) || g_str_has_prefix(*line, first) ||
                          g_str_has_prefix(*line, second),
                      "%s is not as it was", *line);
    ck_assert_str_eq(fake_host_mishaps(rig->host), "");
}

void rig_assert_driver(const Rig *rig, const char *address, const char *expected)
{
    g_autofree char *driver = fake_host_driver(rig->host, address);

    ck_assert_str_eq(driver, expected);
}

void rig_assert_restored(const Rig *rig)
{
    rig_assert_host(rig, rig->beginning);
    ck_assert(!rig_has_journals(rig));
}
