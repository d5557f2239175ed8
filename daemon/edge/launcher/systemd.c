/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher that asks systemd, by org.freedesktop.systemd1(5): helpers and guests are units. All calls are
 * asynchronous. */
#include <fcntl.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "systemd.h"

/* A start whose helper has not come yet. The unit's state shows that it never will: the job itself only ends
 * after the unit's ExecStopPost=, which waits for us. */
typedef struct Start {
    SystemdLauncher *launcher;
    LauncherKind kind;
    char *instance;
    void *userdata;      /* whose it is */
    char *job;           /* its path; NULL: not accepted yet, or done */
    sd_bus_slot *states; /* PropertiesChanged of the unit */
    bool activating;     /* seen so: what comes now is of this start, not the end of an earlier run */
} Start;

DEFINE_ELEMENT_FREE(Start, start_free, start)
{
    sd_bus_slot_unref(start->states);
    g_free(start->job);
    g_free(start->instance);
}

static Start *find_start(SystemdLauncher *launcher, LauncherKind kind, const char *instance)
{
    for (unsigned i = 0; i < launcher->starts->len; i++) {
        Start *start = g_ptr_array_index(launcher->starts, i);
        if (start->kind == kind && g_str_equal(start->instance, instance))
            return start;
    }
    return NULL;
}

static void systemd_connected(Launcher *base, LauncherKind kind, const char *instance)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    Start *start = find_start(launcher, kind, instance);

    if (start)
        g_ptr_array_remove_fast(launcher->starts, start);
    systemd_follow(launcher, kind, instance);
}

/* Starting and stopping. */

static void set_error(Pending *pending, const char *what, const char *unit, sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    pending->error = error ? -sd_bus_error_get_errno(error) : -EBADMSG;
    pending->message = g_strdup_printf("systemd did not %s %s: %s", what, unit,
                                       error ? error->message ?: error->name : "no answer that makes sense");
}

/* The results are those of JobRemoved, org.freedesktop.systemd1(5). */
static char *result_words(const Start *start, const char *result)
{
    g_autofree char *unit = launcher_unit_name(start->kind, start->instance);

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

static void fail_start(Start *start, const char *result)
{
    SystemdLauncher *launcher = start->launcher;
    LauncherKind kind = start->kind;
    g_autofree char *instance = g_strdup(start->instance), *words = result_words(start, result);

    g_ptr_array_remove_fast(launcher->starts, start);
    launcher_tell_failed(&launcher->base, kind, instance, words);
}

static int on_state_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Start *start = userdata;
    const char *state;

    if (systemd_read_state(signal, "ActiveState", &state) < 0 || !state)
        return 0;
    if (g_str_equal(state, "activating"))
        start->activating = true;
    else if (start->activating && !g_str_equal(state, "active"))
        fail_start(start, "failed");
    return 0;
}

static int start_new(SystemdLauncher *launcher, LauncherKind kind, const char *instance, void *userdata,
                     Start **ret)
{
    Start *start = g_new0(Start, 1);
    g_autofree char *path = systemd_unit_path(kind, instance);
    g_autofree char *match = g_strdup_printf("type='signal',sender='" SYSTEMD_NAME
                                             "',path='%s',interface='org.freedesktop.DBus.Properties',"
                                             "member='PropertiesChanged',arg0='" SYSTEMD_UNIT "'",
                                             path);

    *start =
        (Start){.launcher = launcher, .kind = kind, .instance = g_strdup(instance), .userdata = userdata};
    int r = sd_bus_add_match_async(launcher->bus, &start->states, match, on_state_changed, NULL, start);
    if (r < 0) {
        start_free(start);
        return r;
    }
    g_ptr_array_add(launcher->starts, start);
    *ret = start;
    return 0;
}

/* usher-guest@.service has User=usher_%i, and a user's name has at most 31 characters
 * (valid_user_group_name() in systemd). For a longer name than this, usher-generator tells systemd the
 * user, as part of a reload. */
#define NAME_IN_USER_MAX 25

/* The unit does not start; pending has the error. */
static void give_up(Pending *pending)
{
    SystemdLauncher *launcher = (SystemdLauncher *)pending->launcher;
    Start *start = find_start(launcher, pending->kind, pending->subject);

    if (start)
        g_ptr_array_remove_fast(launcher->starts, start);
    pending_answer(pending);
}

static int on_start_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    Start *start = find_start((SystemdLauncher *)pending->launcher, pending->kind, pending->subject);
    const char *path;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        g_autofree char *unit = launcher_unit_name(pending->kind, pending->subject);
        set_error(pending, "start", unit, reply);
        give_up(pending);
        return 0;
    }
    if (start && sd_bus_message_read(reply, "o", &path) >= 0)
        start->job = g_strdup(path);
    pending_answer(pending);
    return 0;
}

static int ask_start(SystemdLauncher *launcher, Pending *pending)
{
    g_autofree char *unit = launcher_unit_name(pending->kind, pending->subject);

    /* Otherwise a guest that failed five times in ten seconds could not be started any more
     * (StartLimitBurst=). */
    int r = systemd_call(launcher, NULL, NULL, NULL, "ResetFailedUnit", "s", unit);
    if (r < 0)
        return r;
    return systemd_call(launcher, &pending->slot, on_start_reply, pending, "StartUnit", "ss", unit,
                        "replace");
}

/* systemd answers once it has reloaded (method_reload() in src/core/dbus-manager.c). */
static int on_reloaded(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;

    pending->slot = sd_bus_slot_unref(pending->slot);
    if (sd_bus_message_is_method_error(reply, NULL)) {
        g_autofree char *unit = launcher_unit_name(pending->kind, pending->subject);
        set_error(pending, "reload its units before the start of", unit, reply);
    } else {
        pending->error = ask_start((SystemdLauncher *)pending->launcher, pending);
    }
    if (pending->error != 0)
        give_up(pending);
    return 0;
}

static int systemd_start(Launcher *base, LauncherKind kind, const char *instance, LauncherDone done,
                         void *userdata)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    Start *start;

    /* An earlier start is not waited for any more. */
    systemd_connected(base, kind, instance);
    int r = start_new(launcher, kind, instance, userdata, &start);
    if (r < 0)
        return r;
    Pending *pending = pending_new(base, kind, instance, done, NULL, userdata);
    if (kind == LAUNCHER_GUEST && strlen(instance) > NAME_IN_USER_MAX)
        r = systemd_call(launcher, &pending->slot, on_reloaded, pending, "Reload", NULL);
    else
        r = ask_start(launcher, pending);
    if (r < 0) {
        pending_drop(pending);
        g_ptr_array_remove_fast(launcher->starts, start);
    }
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
    for (unsigned i = 0; i < launcher->starts->len; i++) {
        Start *start = g_ptr_array_index(launcher->starts, i);
        if (g_strcmp0(start->job, path) != 0)
            continue;
        g_clear_pointer(&start->job, g_free);
        if (!g_str_equal(result, "done"))
            fail_start(start, result);
        return 0;
    }
    return 0;
}

/* Who somebody is. */

static int systemd_identify(Launcher *base, pid_t pid, LauncherKind *ret_kind, char **ret_instance)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", pid), *text = NULL;

    int r = file_read_value_at(AT_FDCWD, path, &text);
    if (r >= 0)
        r = launcher_cgroup_parse(text, ret_kind, ret_instance);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
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

static void systemd_forget(Launcher *base, const void *userdata)
{
    GPtrArray *starts = ((SystemdLauncher *)base)->starts;

    for (unsigned i = starts->len; i > 0; i--)
        if (((const Start *)g_ptr_array_index(starts, i - 1))->userdata == userdata)
            g_ptr_array_remove_index_fast(starts, i - 1);
    systemd_forget_watches(base, userdata);
}

static void systemd_free(Launcher *base)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;

    g_ptr_array_free(launcher->follows, TRUE);
    g_ptr_array_free(launcher->watches, TRUE);
    g_ptr_array_free(launcher->starts, TRUE);
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
        .connected = systemd_connected,
        .watch = systemd_watch,
        .unwatch = systemd_unwatch,
        .find = systemd_find,
        .load_module = systemd_load_module,
        .unit_look = systemd_unit_look,
        .unit_set = systemd_unit_set,
        .slice_look = systemd_slice_look,
        .slice_set = systemd_slice_set,
        .forget = systemd_forget,
    };
    SystemdLauncher *launcher = g_new0(SystemdLauncher, 1);

    launcher_init(&launcher->base, &verbs, event);
    launcher->bus = sd_bus_ref(bus);
    launcher->starts = g_ptr_array_new_with_free_func(start_free);
    launcher->watches = g_ptr_array_new_with_free_func(systemd_watch_free);
    launcher->follows = g_ptr_array_new_with_free_func(systemd_follow_free);
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
