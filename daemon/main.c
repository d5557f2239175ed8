/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usherd: wires the floors together and runs the loop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/forged.h"
#include "base/host-id.h"
#include "base/log.h"
#include "config.h"
#include "core/definition/settings.h"
#include "edge/helper/helper-socket.h"
#include "edge/scan/remedy-look.h"
#include "engine/opener.h"

/* Long enough for a disk that has to spin up; shorter than a caller on the bus waits for an answer (25 s,
 * sd-bus(3)). */
#define ANSWER_USEC (15 * G_USEC_PER_SEC)
/* A system that lets go of a device does so within seconds; PCI Express gives a person five to think it over.
 */
#define UNPLUG_USEC (30 * G_USEC_PER_SEC)
/* A launcher connects as soon as its unit is up; a host that needs longer than this is in trouble. */
#define LAUNCHER_USEC (60 * G_USEC_PER_SEC)
/* What the heap may keep of what was freed, and from which size on a block is mapped by itself: glibc's first
 * values. */
#define HEAP_SLACK (128 * 1024)

typedef struct Daemon {
    Engine engine;
    sd_bus *bus;
    Manager *manager;
    HelperSocket *helpers;
    Api *api;
    int state_fd;
    char *host_id;
} Daemon;

typedef struct Options {
    const char *launcher; /* "systemd", "fork"; NULL: what PID 1 is decides */
    int log_level;
} Options;

/* What systemd's RuntimeDirectory= and its like say (systemd.exec(5)), the first of several; else what was
 * built in. */
static const char *directory(const char *variable, const char *built_in)
{
    static char *kept[8];
    static unsigned n;
    const char *value = getenv(variable);

    if (!value || !*value)
        return built_in;
    kept[n] = g_strndup(value, strcspn(value, ":"));
    return kept[n++];
}

static int open_directory(const char *base, const char *name, mode_t mode, int *ret)
{
    g_autofree char *path = g_build_filename(base, name, NULL);
    int fd = file_open_dirs_at(AT_FDCWD, path, mode);

    if (fd < 0) {
        log_error("cannot open %s: %s", path, strerror(-fd));
        return fd;
    }
    *ret = fd;
    return 0;
}

static int open_place(const char *path, int *ret)
{
    *ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret >= 0)
        return 0;
    log_error("cannot open %s: %s", path, strerror(errno));
    return -errno;
}

static int open_directories(Daemon *d)
{
    Engine *e = &d->engine;
    const char *config = directory("CONFIGURATION_DIRECTORY", USHER_SYSCONFDIR);
    const char *state = directory("STATE_DIRECTORY", USHER_STATEDIR);

    e->run_path = directory("RUNTIME_DIRECTORY", USHER_RUNDIR);
    e->definitions_path = g_build_filename(config, "guests", NULL);
    e->tools_place.state_path = g_build_filename(state, "guests", NULL);
    int r = open_directory(e->run_path, "journal", 0700, &e->journal_fd);
    if (r >= 0)
        r = open_directory(e->run_path, "guests", 0755, &e->guests_fd);
    if (r >= 0)
        r = open_directory(e->run_path, "display", 0755, &e->display_fd);
    if (r >= 0)
        r = open_directory(e->run_path, "steps", 0700, &e->steps_fd);
    if (r >= 0)
        r = open_directory(directory("LOGS_DIRECTORY", USHER_LOGDIR), "", 0750, &e->log_fd);
    if (r >= 0)
        r = open_directory(state, "", 0755, &d->state_fd);
    if (r >= 0)
        r = open_place("/sys", &e->host_place.sys_fd);
    if (r >= 0)
        r = open_place("/proc", &e->host_place.proc_fd);
    if (r >= 0)
        r = open_place("/dev", &e->step_place.dev_fd);
    e->step_place.sys_fd = e->host_place.sys_fd;
    e->host_place.dev_fd = e->step_place.dev_fd;
    return r;
}

/* The bus shall know us before we look at the host, which can take a slow machine half a minute: it closes a
 * connection that has not said who it is for so long (auth_timeout of dbus-daemon(1), 30 s). The name waits
 * for that, at most 25 s (sd_bus_get_method_call_timeout(3)). */
static int open_bus(Daemon *d)
{
    const char *name;

    int r = sd_bus_open_system(&d->bus);
    if (r >= 0)
        r = sd_bus_get_unique_name(d->bus, &name);
    if (r >= 0)
        r = forged_signals_drop(d->bus);
    if (r >= 0)
        r = sd_bus_attach_event(d->bus, d->engine.event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(d->bus, true);
    if (r < 0)
        log_error("cannot reach the system bus: %s", strerror(-r));
    return r;
}

static int make_launcher(Daemon *d, const Options *options, const char *socket_path)
{
    bool systemd = options->launcher ? g_str_equal(options->launcher, "systemd") : sd_booted() > 0;

    if (systemd)
        return launcher_new_systemd(d->engine.event, d->bus, &d->engine.launcher);
    return launcher_new_fork(d->engine.event, getenv("USHER_LIBEXECDIR") ?: USHER_LIBEXECDIR, socket_path,
                             &d->engine.launcher);
}

static void on_hello(const HelperCaller *caller, Channel *channel, void *userdata)
{
    Daemon *d = userdata;

    manager_hello(d->manager, caller, channel);
}

static int make_helper_socket(Daemon *d, const char *path)
{
    int fd = helper_socket_from_systemd();

    if (fd == -ENOENT)
        fd = helper_socket_listen(path);
    if (fd < 0) {
        log_error("cannot listen at %s: %s", path, strerror(-fd));
        return fd;
    }
    return helper_socket_new(d->engine.event, fd, d->engine.launcher, on_hello, d, &d->helpers);
}

static void on_named(int error, void *userdata)
{
    Daemon *d = userdata;

    if (error < 0) {
        log_error("cannot take the name org.usher1: %s",
                  error == -EEXIST ? "another usherd has it" : strerror(-error));
        sd_event_exit(d->engine.event, EXIT_FAILURE);
        return;
    }
    sd_notify(false, "READY=1");
    log_info("usherd " USHER_VERSION " is ready, starting guests by %s", launcher_name(d->engine.launcher));
}

/* A mistake in it is told, and keeps nobody's devices from coming back: the daemon starts all the same. */
static void read_settings(Daemon *d)
{
    g_autofree char *path =
        g_build_filename(directory("CONFIGURATION_DIRECTORY", USHER_SYSCONFDIR), "usherd.conf", NULL);
    g_autoptr(DefinitionFiles) files = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    Settings settings = settings_default();

    int r = definition_files_load(path, true, &files, &fault);
    for (unsigned i = 0; r == 0 && i < files->links->len; i++)
        log_warning("%s", (char *)g_ptr_array_index(files->links, i));
    if (r == 0)
        r = settings_parse((const DefinitionText *)files->texts->data, files->texts->len, &settings, &fault);
    if (r != 0) {
        g_autofree char *why = fault ? fault_to_line(fault) : g_strdup_printf("%s: %s", path, strerror(-r));
        log_error("%s; going on with the defaults", why);
    }
    d->engine.limits.slow_usec = settings.slow_usec;
    d->engine.limits.stuck_usec = settings.stuck_usec;
    d->engine.limits.answer_usec = ANSWER_USEC;
    d->engine.limits.unplug_usec = UNPLUG_USEC;
    d->engine.limits.launcher_usec = LAUNCHER_USEC;
    d->engine.allow_qemu_arguments = settings.allow_qemu_arguments;
}

/* A host without one can do with the names alone. */
static void read_host_id(Daemon *d)
{
    int r = host_id_read(&d->host_id);

    d->engine.host_id = d->host_id;
    if (r < 0)
        log_warning(
            "cannot read the machine-id: %s; another host may give its network cards the same addresses",
            strerror(-r));
}

static void on_sleep(void *userdata)
{
    Daemon *d = userdata;

    if (d->manager)
        manager_sync_sleep(d->manager);
}

/* Finds what was running before the name is taken: nobody can ask before we know. */
static int bring_up(Daemon *d, const Options *options)
{
    Engine *e = &d->engine;

    int r = open_directories(d);
    if (r < 0)
        return r;
    g_autofree char *socket_path = g_build_filename(e->run_path, "helper.sock", NULL);
    e->tools_place.virtiofsd = virtiofsd_probe_new(e->event, &virtiofsd_places);
    r = virtiofsd_probe_settle(e->tools_place.virtiofsd);
    if (r >= 0)
        r = open_bus(d);
    if (r >= 0)
        r = make_launcher(d, options, socket_path);
    if (r < 0)
        return r;
    e->workers = worker_pool_new(e->event, e->launcher);
    e->qemu_path = USHER_QEMU;
    e->probe = qemu_probe_new(e->event, e->qemu_path, d->state_fd);
    e->ledger = ledger_open(d->state_fd);
    g_auto(GStrv) modules = vfio_modules_folders();
    e->host_place.modules = vfio_modules_new((const char *const *)modules);
    e->disks = disk_claims_new();
    e->hangs = hangs_new();
    e->slice_steps = g_queue_new();
    e->tools_place.systemd = g_str_equal(launcher_name(e->launcher), "systemd");
    e->tools_place.confined = !e->tools_place.systemd && geteuid() != 0;
    e->stuck = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    e->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    read_settings(d);
    read_host_id(d);
    r = sleep_watch_new(d->bus, on_sleep, d, &e->sleep);
    if (r >= 0)
        r = manager_new(e, &d->manager);
    if (r >= 0)
        r = make_helper_socket(d, socket_path);
    if (r >= 0)
        r = api_new(d->bus, d->manager, &d->api);
    if (r < 0)
        return r;
    manager_recover(d->manager);
    return api_request_name(d->api, on_named, d);
}

static void let_go(Daemon *d)
{
    Engine *e = &d->engine;

    d->api = api_free(d->api);
    d->helpers = helper_socket_free(d->helpers);
    d->manager = manager_free(d->manager);
    e->sleep = sleep_watch_free(e->sleep);
    e->probe = qemu_probe_free(e->probe);
    e->tools_place.virtiofsd = virtiofsd_probe_free(e->tools_place.virtiofsd);
    e->workers = worker_pool_free(e->workers);
    e->launcher = launcher_free(e->launcher);
    e->ledger = ledger_free(e->ledger);
    e->disks = disk_claims_free(e->disks);
    e->hangs = hangs_free(e->hangs);
    e->host_place.modules = vfio_modules_free(e->host_place.modules);
}

/* The loop's last turn. Who lets go of one thing may wait for the next: a worker that has become idle, the
 * question that was behind. After this turn the loop takes nobody any more (-ESTALE). */
static int on_exit_asked(sd_event_source *source, void *userdata)
{
    sd_notify(false, "STOPPING=1");
    let_go(userdata);
    return 0;
}

/* Before sd-bus closes the connection, which it does with the priority of most: who waits is told. */
static int let_go_at_exit(Daemon *d)
{
    sd_event_source *source;

    int r = sd_event_add_exit(d->engine.event, &source, on_exit_asked, d);
    if (r < 0)
        return r;
    r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
    if (r >= 0)
        r = sd_event_source_set_floating(source, true);
    sd_event_source_unref(source);
    return r;
}

static void bring_down(Daemon *d)
{
    Engine *e = &d->engine;

    let_go(d);
    g_clear_pointer(&e->slice_steps, g_queue_free);
    g_clear_pointer(&e->stuck, g_hash_table_destroy);
    g_clear_pointer(&e->busy, g_hash_table_destroy);
    sd_bus_flush_close_unref(d->bus);
    sd_event_unref(e->event);
    g_free((char *)e->definitions_path);
    g_free((char *)e->tools_place.state_path);
}

static int run(const Options *options)
{
    Daemon d = {.state_fd = -1};
    int status = EXIT_FAILURE;
    sigset_t signals;

    /* Helpers are started with their signals as they were: posix_spawn() resets what is blocked here. SIGCHLD
     * too, as sd_event_add_child(3) asks. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    remedy_look();

    int r = sd_event_default(&d.engine.event);
    if (r >= 0)
        r = sd_event_add_signal(d.engine.event, NULL, SIGTERM, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(d.engine.event, NULL, SIGINT, NULL, NULL);
    if (r >= 0)
        r = sd_event_set_watchdog(d.engine.event, true);
    if (r >= 0)
        r = let_go_at_exit(&d);
    if (r >= 0)
        r = bring_up(&d, options);
    if (r >= 0)
        status = sd_event_loop(d.engine.event);
    else
        log_error("cannot start: %s", strerror(-r));
    bring_down(&d);
    return status;
}

static int parse_level(const char *text)
{
    static const char *const levels[] = {"emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug"};

    for (unsigned i = 0; i < G_N_ELEMENTS(levels); i++)
        if (g_str_equal(levels[i], text))
            return i;
    return -EINVAL;
}

static void help(void)
{
    printf(
        "usherd [OPTIONS]\n\n"
        "Lends the host's PCI devices to QEMU guests, and brings them back.\n\n"
        "  --launcher=systemd|fork  How guests and helpers are started (default: systemd where it is PID 1)\n"
        "  --log-level=LEVEL        emerg to debug, as in systemd (default: info)\n"
        "  --help, --version\n\n"
        "See usherd(8).\n");
}

/* 1: go on; otherwise the exit status is in *status. */
static int parse_options(int argc, char **argv, Options *ret, int *status)
{
    static const struct option known[] = {
        {"launcher", required_argument, NULL, 'l'},
        {"log-level", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {},
    };
    int option;

    *status = EXIT_SUCCESS;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) >= 0) {
        if (option == 'h') {
            help();
            return 0;
        }
        if (option == 'V') {
            printf("usherd " USHER_VERSION "\n");
            return 0;
        }
        if (option == 'l' && (g_str_equal(optarg, "systemd") || g_str_equal(optarg, "fork"))) {
            ret->launcher = optarg;
            continue;
        }
        if (option == 'v' && (ret->log_level = parse_level(optarg)) >= 0)
            continue;
        if (option != '?')
            fprintf(stderr, "usherd: unknown option \"%s\"; see usherd --help\n", optarg);
        *status = EXIT_FAILURE;
        return 0;
    }
    if (optind == argc)
        return 1;
    fprintf(stderr, "usherd: takes no arguments; see usherd --help\n");
    *status = EXIT_FAILURE;
    return 0;
}

int main(int argc, char **argv)
{
    Options options = {.log_level = LOG_INFO};
    int status;

    if (parse_options(argc, argv, &options, &status) == 0)
        return status;
    /* Set by hand, they stay: of themselves both rise to the largest block that was ever freed, and what a
     * flood took is kept (mallopt(3)). */
    mallopt(M_MMAP_THRESHOLD, HEAP_SLACK);
    mallopt(M_TRIM_THRESHOLD, HEAP_SLACK);
    log_open(options.log_level);
    return run(&options);
}
