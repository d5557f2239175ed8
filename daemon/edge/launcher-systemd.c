/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher that asks systemd, by org.freedesktop.systemd1(5): helpers and guests are units. All calls are
 * asynchronous. */
#include <fcntl.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "launcher-systemd.h"

/* A start that systemd has accepted and is at. */
typedef struct Job {
    char *path;
    LauncherKind kind;
    char *instance;
    bool connected; /* its helper has come: from there on the watch tells */
} Job;

static void job_free(void *data)
{
    Job *job = data;

    g_free(job->path);
    g_free(job->instance);
    g_free(job);
}

int systemd_call(SystemdLauncher *launcher, sd_bus_slot **ret_slot, sd_bus_message_handler_t handler,
                 void *userdata, const char *method, const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    int r = sd_bus_call_method_asyncv(launcher->bus, ret_slot, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                      method, handler, userdata, types, arguments);
    va_end(arguments);
    return r < 0 ? r : 0;
}

/* Starting and stopping. */

static void set_error(Pending *pending, const char *what, const char *unit, sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    pending->error = -sd_bus_error_get_errno(error);
    pending->message =
        g_strdup_printf("systemd did not %s %s: %s", what, unit, error->message ?: error->name);
}

static void note_job(SystemdLauncher *launcher, const Pending *pending, const char *path)
{
    Job *job = g_new0(Job, 1);

    *job = (Job){.path = g_strdup(path), .kind = pending->kind, .instance = g_strdup(pending->subject)};
    g_ptr_array_add(launcher->jobs, job);
}

static int on_start_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    const char *path;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        g_autofree char *unit = launcher_unit_name(pending->kind, pending->subject);
        set_error(pending, "start", unit, reply);
    } else if (sd_bus_message_read(reply, "o", &path) >= 0) {
        note_job((SystemdLauncher *)pending->launcher, pending, path);
    }
    pending_answer(pending);
    return 0;
}

static int systemd_start(Launcher *base, LauncherKind kind, const char *instance, LauncherDone done,
                         void *userdata)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    g_autofree char *unit = launcher_unit_name(kind, instance);

    /* Else a guest that failed five times in ten seconds could not be started any more (StartLimitBurst=). */
    int r = systemd_call(launcher, NULL, NULL, NULL, "ResetFailedUnit", "s", unit);
    if (r < 0)
        return r;
    Pending *pending = pending_new(base, kind, instance, done, NULL, userdata);
    r = systemd_call(launcher, &pending->slot, on_start_reply, pending, "StartUnit", "ss", unit, "replace");
    if (r < 0)
        pending_drop(pending);
    return r;
}

static int on_stop_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        g_autofree char *unit = launcher_unit_name(pending->kind, pending->subject);
        set_error(pending, "stop", unit, reply);
    }
    pending_answer(pending);
    return 0;
}

static int systemd_stop(Launcher *base, LauncherKind kind, const char *instance, LauncherDone done,
                        void *userdata)
{
    g_autofree char *unit = launcher_unit_name(kind, instance);
    Pending *pending = pending_new(base, kind, instance, done, NULL, userdata);

    int r = systemd_call((SystemdLauncher *)base, &pending->slot, on_stop_reply, pending, "StopUnit", "ss",
                         unit, "replace");
    if (r < 0)
        pending_drop(pending);
    return r;
}

static int on_kill_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        log_warning("systemd did not pass a signal on: %s", sd_bus_message_get_error(reply)->message);
    return 0;
}

static int systemd_kill(Launcher *base, LauncherKind kind, const char *instance, int signo)
{
    g_autofree char *unit = launcher_unit_name(kind, instance);

    return systemd_call((SystemdLauncher *)base, NULL, on_kill_reply, NULL, "KillUnit", "ssi", unit, "main",
                        signo);
}

/* What came of a job. */

/* The results are those of JobRemoved, org.freedesktop.systemd1(5). */
static char *result_words(const Job *job, const char *result)
{
    g_autofree char *unit = launcher_unit_name(job->kind, job->instance);

    if (g_str_equal(result, "canceled"))
        return g_strdup_printf("the start of %s was cancelled", unit);
    if (g_str_equal(result, "timeout"))
        return g_strdup_printf("%s did not come up in time", unit);
    if (g_str_equal(result, "dependency"))
        return g_strdup_printf("%s was not started: something it depends on failed", unit);
    if (g_str_equal(result, "skipped"))
        return g_strdup_printf("%s was not started: a condition of it does not hold", unit);
    return g_strdup_printf("%s failed to start", unit);
}

static void end_job(SystemdLauncher *launcher, unsigned index, const char *result)
{
    Job *job = g_ptr_array_steal_index_fast(launcher->jobs, index);

    if (!job->connected && !g_str_equal(result, "done")) {
        g_autofree char *words = result_words(job, result);
        launcher_tell_failed(&launcher->base, job->kind, job->instance, words);
    }
    job_free(job);
}

static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    SystemdLauncher *launcher = userdata;
    const char *path, *unit, *result;
    uint32_t id;

    if (sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0)
        return 0;
    for (unsigned i = 0; i < launcher->base.pending->len; i++) {
        Pending *pending = g_ptr_array_index(launcher->base.pending, i);
        if (g_strcmp0(pending->job, path) == 0) {
            pending_answer(pending);
            return 0;
        }
    }
    for (unsigned i = 0; i < launcher->jobs->len; i++) {
        const Job *job = g_ptr_array_index(launcher->jobs, i);
        if (g_str_equal(job->path, path)) {
            end_job(launcher, i, result);
            return 0;
        }
    }
    return 0;
}

/* Who somebody is. */

static int systemd_identify(Launcher *base, pid_t pid, LauncherKind *ret_kind, char **ret_instance)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", pid), *text = NULL;

    int r = file_read_value_at(AT_FDCWD, path, &text);
    if (r >= 0)
        r = launcher_cgroup_parse(text, ret_kind, ret_instance);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    for (unsigned i = 0; i < launcher->jobs->len; i++) {
        Job *job = g_ptr_array_index(launcher->jobs, i);
        if (job->kind == *ret_kind && g_str_equal(job->instance, *ret_instance))
            job->connected = true;
    }
    return 0;
}

static int on_main_pid(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    uint32_t pid = 0;

    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_enter_container(reply, 'v', "u") >= 0 && sd_bus_message_read(reply, "u", &pid) >= 0) {
        pending->pid = pid;
    } else if (!launcher_still_there(pending->pid, pending->start_time)) {
        pending->pid = 0;
    }
    pending_answer(pending);
    return 0;
}

static int systemd_find(Launcher *base, LauncherKind kind, const char *instance, pid_t pid_hint,
                        uint64_t start_time_hint, LauncherFound found, void *userdata)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    g_autofree char *path = systemd_unit_path(kind, instance);
    Pending *pending = pending_new(base, kind, instance, NULL, found, userdata);

    pending->pid = pid_hint;
    pending->start_time = start_time_hint;
    int r = sd_bus_call_method_async(launcher->bus, &pending->slot, SYSTEMD_NAME, path,
                                     "org.freedesktop.DBus.Properties", "Get", on_main_pid, pending, "ss",
                                     SYSTEMD_SERVICE, "MainPID");
    if (r < 0)
        pending_drop(pending);
    return r < 0 ? r : 0;
}

static int on_module_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    const char *path;

    pending->slot = sd_bus_slot_unref(pending->slot);
    if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "o", &path) >= 0) {
        pending->job = g_strdup(path);
        return 0;
    }
    g_autofree char *unit = g_strconcat("modprobe@", pending->subject, ".service", NULL);
    set_error(pending, "start", unit, reply);
    pending_answer(pending);
    return 0;
}

static int systemd_load_module(Launcher *base, const char *module, LauncherDone done, void *userdata)
{
    g_autofree char *unit = g_strconcat("modprobe@", module, ".service", NULL);
    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, module, done, NULL, userdata);

    int r = systemd_call((SystemdLauncher *)base, &pending->slot, on_module_reply, pending, "StartUnit", "ss",
                         unit, "replace");
    if (r >= 0)
        r = pending_limit_module(pending);
    if (r < 0)
        pending_drop(pending);
    return r;
}

static void systemd_free(Launcher *base)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;

    g_ptr_array_free(launcher->watches, TRUE);
    g_ptr_array_free(launcher->jobs, TRUE);
    sd_bus_slot_unref(launcher->job_removed);
    sd_bus_unref(launcher->bus);
}

int launcher_new_systemd(sd_event *event, sd_bus *bus, Launcher **ret)
{
    static const LauncherVerbs verbs = {
        .name = "systemd",
        .free = systemd_free,
        .start = systemd_start,
        .stop = systemd_stop,
        .kill = systemd_kill,
        .identify = systemd_identify,
        .watch = systemd_watch,
        .unwatch = systemd_unwatch,
        .find = systemd_find,
        .load_module = systemd_load_module,
        .forget = systemd_forget_watches,
    };
    SystemdLauncher *launcher = g_new0(SystemdLauncher, 1);

    launcher_init(&launcher->base, &verbs, event);
    launcher->bus = sd_bus_ref(bus);
    launcher->jobs = g_ptr_array_new_with_free_func(job_free);
    launcher->watches = g_ptr_array_new_with_free_func(systemd_watch_free);
    int r = sd_bus_match_signal_async(bus, &launcher->job_removed, SYSTEMD_NAME, SYSTEMD_PATH,
                                      SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, launcher);
    /* Without a subscriber systemd sends no signals at all. */
    if (r >= 0)
        r = systemd_call(launcher, NULL, NULL, NULL, "Subscribe", NULL);
    if (r < 0) {
        launcher_free(&launcher->base);
        return r;
    }
    *ret = &launcher->base;
    return 0;
}
