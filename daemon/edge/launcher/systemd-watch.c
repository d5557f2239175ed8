/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process's pidfd tells that it has ended; how it ended, only its parent knows, which is systemd. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../host-services/clock.h"
#include "systemd.h"

/* How long systemd may take to notice what the pidfd has told already. */
#define NOTICE_USEC (10 * G_USEC_PER_SEC)

typedef struct Watch {
    SystemdLauncher *launcher;
    LauncherKind kind;
    char *instance;
    pid_t pid;
    LauncherExited exited;
    void *userdata;
    int pidfd;
    sd_event_source *source;
    sd_bus_slot *changes;  /* PropertiesChanged of the unit, once the process has ended */
    sd_bus_slot *question; /* the call under way */
    sd_event_source *deadline;
} Watch;

/* What the unit says of its main process: the properties ExecMain* of org.freedesktop.systemd1(5). */
typedef struct MainProcess {
    uint32_t pid;
    uint64_t ended; /* 0: not yet, as far as systemd knows */
    int32_t code;   /* CLD_EXITED, … */
    int32_t status;
} MainProcess;

static int ask(Watch *watch);

void systemd_watch_free(void *data)
{
    Watch *watch = data;
    g_autofree char *unit = launcher_unit_name(watch->kind, watch->instance);

    systemd_call(watch->launcher, NULL, NULL, NULL, "UnrefUnit", "s", unit);
    sd_event_source_disable_unref(watch->source);
    sd_event_source_disable_unref(watch->deadline);
    sd_bus_slot_unref(watch->changes);
    sd_bus_slot_unref(watch->question);
    close_fd(watch->pidfd);
    g_free(watch->instance);
    g_free(watch);
}

static void finish(Watch *watch, const LauncherExit *exit)
{
    LauncherExited exited = watch->exited;
    void *userdata = watch->userdata;

    g_ptr_array_remove_fast(watch->launcher->watches, watch);
    exited(exit, userdata);
}

static int read_main_process(sd_bus_message *reply, MainProcess *ret)
{
    const char *name;

    *ret = (MainProcess){0};
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
            return r;
        if (g_str_equal(name, "ExecMainPID"))
            r = sd_bus_message_read(reply, "v", "u", &ret->pid);
        else if (g_str_equal(name, "ExecMainExitTimestamp"))
            r = sd_bus_message_read(reply, "v", "t", &ret->ended);
        else if (g_str_equal(name, "ExecMainCode"))
            r = sd_bus_message_read(reply, "v", "i", &ret->code);
        else if (g_str_equal(name, "ExecMainStatus"))
            r = sd_bus_message_read(reply, "v", "i", &ret->status);
        else
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r < 0 ? r : 0;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Watch *watch = userdata;
    MainProcess process;

    watch->question = sd_bus_slot_unref(watch->question);
    if (sd_bus_message_is_method_error(reply, NULL) || read_main_process(reply, &process) < 0 ||
        process.pid != (uint32_t)watch->pid) {
        finish(watch, &(LauncherExit){.known = false});
        return 0;
    }
    /* systemd has not reaped it yet: a change of the unit will tell. */
    if (process.ended == 0)
        return 0;
    finish(watch,
           &(LauncherExit){.known = true, .by_signal = process.code != CLD_EXITED, .status = process.status});
    return 0;
}

static int ask(Watch *watch)
{
    g_autofree char *path = systemd_unit_path(watch->kind, watch->instance);

    watch->question = sd_bus_slot_unref(watch->question);
    int r = sd_bus_call_method_async(watch->launcher->bus, &watch->question, SYSTEMD_NAME, path,
                                     "org.freedesktop.DBus.Properties", "GetAll", on_answer, watch, "s",
                                     SYSTEMD_SERVICE);
    return r < 0 ? r : 0;
}

static int on_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Watch *watch = userdata;

    int r = ask(watch);
    if (r < 0)
        log_error("cannot ask systemd how %s ended: %s", watch->instance, strerror(-r));
    return 0;
}

static int on_unnoticed(sd_event_source *source, uint64_t usec, void *userdata)
{
    finish(userdata, &(LauncherExit){.known = false});
    return 0;
}

static int on_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Watch *watch = userdata;
    g_autofree char *path = systemd_unit_path(watch->kind, watch->instance);

    watch->source = sd_event_source_disable_unref(watch->source);
    int r = sd_bus_match_signal_async(watch->launcher->bus, &watch->changes, SYSTEMD_NAME, path,
                                      "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed,
                                      NULL, watch);
    if (r >= 0)
        r = ask(watch);
    if (r >= 0)
        r = clock_after(watch->launcher->base.event, NOTICE_USEC, on_unnoticed, watch, &watch->deadline);
    if (r < 0)
        finish(watch, &(LauncherExit){.known = false});
    return 0;
}

static int on_gone(sd_event_source *source, void *userdata)
{
    return on_ended(source, -1, 0, userdata);
}

/* Listens for the end of the process; reports one that is gone already at once. */
static int listen_for_end(Watch *watch)
{
    sd_event *event = watch->launcher->base.event;

    watch->pidfd = watch->pid > 0 ? pidfd_open(watch->pid, 0) : (errno = ESRCH, -1);
    if (watch->pidfd < 0 && errno != ESRCH)
        return -errno;
    int r = watch->pidfd >= 0 ? sd_event_add_io(event, &watch->source, watch->pidfd, EPOLLIN, on_ended, watch)
                              : sd_event_add_defer(event, &watch->source, on_gone, watch);
    /* After what it wrote last, QEMU's SHUTDOWN event for one: both are there when it has ended. */
    if (r >= 0)
        r = sd_event_source_set_priority(watch->source, SD_EVENT_PRIORITY_NORMAL + 10);
    return r;
}

int systemd_watch(Launcher *base, LauncherKind kind, const char *instance, pid_t pid, LauncherExited exited,
                  void *userdata)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    g_autofree char *unit = launcher_unit_name(kind, instance);
    Watch *watch = g_new0(Watch, 1);

    *watch = (Watch){.launcher = launcher, .kind = kind, .pid = pid, .exited = exited, .userdata = userdata};
    watch->instance = g_strdup(instance);
    /* After a clean end, a unit that nobody refers to is unloaded, with its exit status. */
    int r = systemd_call(launcher, NULL, NULL, NULL, "RefUnit", "s", unit);
    if (r >= 0)
        r = listen_for_end(watch);
    if (r < 0) {
        systemd_watch_free(watch);
        return r;
    }
    g_ptr_array_add(launcher->watches, watch);
    systemd_follow(launcher, kind, instance);
    return 0;
}

void systemd_unwatch(Launcher *base, LauncherKind kind, const char *instance)
{
    GPtrArray *watches = ((SystemdLauncher *)base)->watches;

    for (unsigned i = watches->len; i > 0; i--) {
        const Watch *watch = g_ptr_array_index(watches, i - 1);
        if (watch->kind == kind && g_str_equal(watch->instance, instance))
            g_ptr_array_remove_index_fast(watches, i - 1);
    }
}

void systemd_forget_watches(Launcher *base, const void *userdata)
{
    GPtrArray *watches = ((SystemdLauncher *)base)->watches;

    for (unsigned i = watches->len; i > 0; i--) {
        const Watch *watch = g_ptr_array_index(watches, i - 1);
        if (watch->userdata == userdata)
            g_ptr_array_remove_index_fast(watches, i - 1);
    }
}
