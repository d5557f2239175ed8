/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../host-services/clock.h"
#include "private.h"

#define MODULE_DEADLINE_USEC (60 * G_USEC_PER_SEC)

void launcher_init(Launcher *launcher, const LauncherVerbs *verbs, sd_event *event)
{
    launcher->verbs = verbs;
    launcher->event = sd_event_ref(event);
    launcher->pending = g_ptr_array_new();
}

DEFINE_FREE(Launcher, launcher_free, launcher)
{
    while (launcher->pending->len > 0)
        pending_drop(g_ptr_array_index(launcher->pending, 0));
    launcher->verbs->free(launcher);
    g_ptr_array_free(launcher->pending, TRUE);
    sd_event_unref(launcher->event);
}

void launcher_forget(Launcher *launcher, const void *userdata)
{
    for (unsigned i = launcher->pending->len; i > 0; i--) {
        Pending *pending = g_ptr_array_index(launcher->pending, i - 1);
        if (pending->userdata == userdata)
            pending_drop(pending);
    }
    launcher->verbs->forget(launcher, userdata);
}

/* Calls on their way. */

Pending *pending_new(Launcher *launcher, LauncherKind kind, const char *subject, LauncherDone done,
                     LauncherFound found, void *userdata)
{
    Pending *pending = g_new0(Pending, 1);

    *pending =
        (Pending){.launcher = launcher, .kind = kind, .done = done, .found = found, .userdata = userdata};
    pending->subject = g_strdup(subject);
    g_ptr_array_add(launcher->pending, pending);
    return pending;
}

void pending_drop(Pending *pending)
{
    g_ptr_array_remove_fast(pending->launcher->pending, pending);
    sd_event_source_disable_unref(pending->turn);
    sd_bus_slot_unref(pending->slot);
    g_free(pending->message);
    g_free(pending->subject);
    g_free(pending->job);
    g_free(pending);
}

void pending_answer(Pending *pending)
{
    LauncherDone done = pending->done;
    LauncherFound found = pending->found;
    void *userdata = pending->userdata;
    g_autofree char *message = g_steal_pointer(&pending->message);
    int error = pending->error;
    pid_t pid = pending->pid;

    /* The callee may free the launcher and all that is pending with it. */
    pending_drop(pending);
    if (done)
        done(error, message, userdata);
    if (found)
        found(pid, userdata);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    pending_answer(userdata);
    return 0;
}

int pending_answer_later(Pending *pending)
{
    int r = sd_event_add_defer(pending->launcher->event, &pending->turn, on_turn, pending);
    if (r < 0)
        pending_drop(pending);
    return r < 0 ? r : 0;
}

static int on_module_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Pending *pending = userdata;

    pending->error = -ETIMEDOUT;
    pending->message = g_strdup_printf("modprobe has been loading the module %s for 60 s", pending->subject);
    pending_answer(pending);
    return 0;
}

int pending_limit_module(Pending *pending)
{
    return clock_after(pending->launcher->event, MODULE_DEADLINE_USEC, on_module_late, pending,
                       &pending->turn);
}

void launcher_on_given_up(Launcher *launcher, LauncherFailed given_up, void *userdata)
{
    launcher->given_up = given_up;
    launcher->given_up_userdata = userdata;
}

void launcher_tell_failed(Launcher *launcher, LauncherKind kind, const char *instance, const char *message)
{
    if (launcher->listeners[kind].failed)
        launcher->listeners[kind].failed(instance, message, launcher->listeners[kind].userdata);
}

/* Names. */

static const char *const prefixes[LAUNCHER_KIND_MAX] = {
    [LAUNCHER_GUEST] = "usher-guest@",
    [LAUNCHER_BIND] = "usher-bind@",
};

char *launcher_unit_name(LauncherKind kind, const char *instance)
{
    return g_strconcat(prefixes[kind], instance, ".service", NULL);
}

/* The characters of guests' names and workers' numbers; systemd takes them literally in an instance (only
 * systemd-escape(1) would turn a "-" into "\x2d"). */
static bool instance_valid(const char *instance)
{
    if (!*instance || *instance == '-')
        return false;
    for (const char *c = instance; *c; c++)
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && *c != '-')
            return false;
    return true;
}

int launcher_unit_parse(const char *unit, LauncherKind *ret_kind, char **ret_instance)
{
    if (!g_str_has_suffix(unit, ".service"))
        return -EINVAL;
    for (LauncherKind kind = 0; kind < LAUNCHER_KIND_MAX; kind++) {
        if (!g_str_has_prefix(unit, prefixes[kind]))
            continue;
        size_t start = strlen(prefixes[kind]);
        g_autofree char *instance = g_strndup(unit + start, strlen(unit) - start - strlen(".service"));
        if (!instance_valid(instance))
            return -EINVAL;
        *ret_kind = kind;
        *ret_instance = g_steal_pointer(&instance);
        return 0;
    }
    return -EINVAL;
}

int launcher_cgroup_parse(const char *text, LauncherKind *ret_kind, char **ret_instance)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "0::/"))
            continue;
        g_auto(GStrv) parts = g_strsplit(*line + strlen("0::/"), "/", -1);
        unsigned n = g_strv_length(parts);
        /* ExecStop= and ExecStopPost= may live in a ".control" below the unit's own group. */
        if (n == 3 && g_str_equal(parts[2], ".control"))
            n = 2;
        if (n != 2 || !g_str_equal(parts[0], "usher.slice"))
            return -EPERM;
        return launcher_unit_parse(parts[1], ret_kind, ret_instance) < 0 ? -EPERM : 0;
    }
    return -EPERM;
}

int launcher_start_time(pid_t pid, uint64_t *ret)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *text = NULL;

    int r = file_read_value_at(AT_FDCWD, path, &text);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    /* Field 2 is the program's name in parentheses, which may hold blanks and parentheses. */
    const char *after_name = strrchr(text, ')');
    if (!after_name)
        return -EBADMSG;
    g_auto(GStrv) fields = g_strsplit(after_name + 1, " ", -1);
    /* fields[0] is empty, fields[1] is field 3, the state. */
    if (g_strv_length(fields) <= 20)
        return -EBADMSG;
    if (g_str_equal(fields[1], "Z") || g_str_equal(fields[1], "X"))
        return -ESRCH;
    *ret = g_ascii_strtoull(fields[20], NULL, 10);
    return 0;
}

bool launcher_still_there(pid_t pid, uint64_t start_time)
{
    uint64_t now;

    return pid > 0 && launcher_start_time(pid, &now) >= 0 && now == start_time;
}

char *launcher_exit_words(const LauncherExit *exit)
{
    if (!exit->known)
        return g_strdup("ended for an unknown reason");
    if (exit->by_signal)
        return g_strdup_printf("was killed by signal %d (%s)", exit->status, strsignal(exit->status));
    return g_strdup_printf("exited with status %d", exit->status);
}

/* The verbs. */

const char *launcher_name(const Launcher *launcher)
{
    return launcher->verbs->name;
}

char *launcher_unit(const Launcher *launcher, LauncherKind kind, const char *instance)
{
    return launcher_unit_name(kind, instance);
}

void launcher_on_failed(Launcher *launcher, LauncherKind kind, LauncherFailed failed, void *userdata)
{
    launcher->listeners[kind].failed = failed;
    launcher->listeners[kind].userdata = userdata;
}

int launcher_start(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                   void *userdata)
{
    if (!instance_valid(instance))
        return -EINVAL;
    return launcher->verbs->start(launcher, kind, instance, done, userdata);
}

int launcher_stop(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                  void *userdata)
{
    return launcher->verbs->stop(launcher, kind, instance, done, userdata);
}

int launcher_kill(Launcher *launcher, LauncherKind kind, const char *instance, int signo)
{
    return launcher->verbs->kill(launcher, kind, instance, signo);
}

int launcher_identify(Launcher *launcher, pid_t pid, LauncherKind *ret_kind, char **ret_instance)
{
    return launcher->verbs->identify(launcher, pid, ret_kind, ret_instance);
}

void launcher_connected(Launcher *launcher, LauncherKind kind, const char *instance)
{
    launcher->verbs->connected(launcher, kind, instance);
}

int launcher_watch(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid,
                   LauncherExited exited, void *userdata)
{
    launcher->verbs->unwatch(launcher, kind, instance);
    return launcher->verbs->watch(launcher, kind, instance, pid, exited, userdata);
}

void launcher_unwatch(Launcher *launcher, LauncherKind kind, const char *instance)
{
    launcher->verbs->unwatch(launcher, kind, instance);
}

int launcher_find(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid_hint,
                  uint64_t start_time_hint, LauncherFound found, void *userdata)
{
    return launcher->verbs->find(launcher, kind, instance, pid_hint, start_time_hint, found, userdata);
}

int launcher_load_module(Launcher *launcher, const char *module, LauncherDone done, void *userdata)
{
    /* It becomes part of a unit's name, or an argument of modprobe's. */
    for (const char *c = module; *c; c++)
        if (!g_ascii_isalnum(*c) && *c != '_' && (*c != '-' || c == module))
            return -EINVAL;
    return *module ? launcher->verbs->load_module(launcher, module, done, userdata) : -EINVAL;
}

int launcher_unit_look(Launcher *launcher, const char *unit, LauncherUnitSeen seen, void *userdata)
{
    return launcher->verbs->unit_look ? launcher->verbs->unit_look(launcher, unit, seen, userdata) : -ENOTSUP;
}

int launcher_unit_set(Launcher *launcher, const char *unit, bool active, LauncherDone done, void *userdata)
{
    return launcher->verbs->unit_set ? launcher->verbs->unit_set(launcher, unit, active, done, userdata)
                                     : -ENOTSUP;
}

int launcher_slice_look(Launcher *launcher, const char *unit, LauncherSliceSeen seen, void *userdata)
{
    return launcher->verbs->slice_look ? launcher->verbs->slice_look(launcher, unit, seen, userdata)
                                       : -ENOTSUP;
}

int launcher_slice_set(Launcher *launcher, const char *unit, const GArray *cpus, LauncherDone done,
                       void *userdata)
{
    return launcher->verbs->slice_set ? launcher->verbs->slice_set(launcher, unit, cpus, done, userdata)
                                      : -ENOTSUP;
}
