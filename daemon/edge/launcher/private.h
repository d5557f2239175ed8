/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two launchers share: the table of their verbs, and calls on their way (Pending), so that an owner
 * can take its calls back and each comes once. */
#pragma once

#include <glib.h>

#include "launcher.h"

typedef struct LauncherVerbs {
    const char *name;
    void (*free)(Launcher *launcher); /* its own parts only */
    int (*start)(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                 void *userdata);
    int (*stop)(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                void *userdata);
    int (*kill)(Launcher *launcher, LauncherKind kind, const char *instance, int signo);
    int (*identify)(Launcher *launcher, pid_t pid, LauncherKind *ret_kind, char **ret_instance);
    void (*connected)(Launcher *launcher, LauncherKind kind, const char *instance);
    int (*watch)(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid,
                 LauncherExited exited, void *userdata);
    void (*unwatch)(Launcher *launcher, LauncherKind kind, const char *instance);
    int (*find)(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid_hint,
                uint64_t start_time_hint, LauncherFound found, void *userdata);
    int (*load_module)(Launcher *launcher, const char *module, LauncherDone done, void *userdata);
    /* NULL: cannot */
    int (*unit_look)(Launcher *launcher, const char *unit, LauncherUnitSeen seen, void *userdata);
    int (*unit_set)(Launcher *launcher, const char *unit, bool active, LauncherDone done, void *userdata);
    int (*slice_look)(Launcher *launcher, const char *unit, LauncherSliceSeen seen, void *userdata);
    int (*slice_set)(Launcher *launcher, const char *unit, const GArray *cpus, LauncherDone done,
                     void *userdata);
    void (*forget)(Launcher *launcher,
                   const void *userdata); /* watches and starts; Pending is looked after by all */
} LauncherVerbs;

/* The first member of either launcher. */
struct Launcher {
    const LauncherVerbs *verbs;
    sd_event *event;
    GPtrArray *pending; /* of Pending, owned */
    struct {
        LauncherFailed failed;
        void *userdata;
    } listeners[LAUNCHER_KIND_MAX];
    LauncherFailed given_up;
    void *given_up_userdata;
};

void launcher_init(Launcher *launcher, const LauncherVerbs *verbs, sd_event *event);
void launcher_tell_failed(Launcher *launcher, LauncherKind kind, const char *instance, const char *message);

/* One answer that is owed. Ends by pending_answer(), or by being forgotten. */
typedef struct Pending {
    Launcher *launcher;
    LauncherDone done; /* either of both, or neither */
    LauncherFound found;
    LauncherUnitSeen seen; /* called by who set it */
    LauncherSliceSeen slice_seen;
    void *userdata;
    sd_event_source *turn;
    sd_bus_slot *slot; /* the D-Bus call that it waits for */
    int error;         /* what done() gets */
    char *message;
    pid_t pid; /* what found() gets; the modprobe that it waits for */
    uint64_t start_time;
    LauncherKind kind;
    char *subject; /* the instance, or the module */
    char *job;     /* the systemd job that it waits for */
} Pending;

Pending *pending_new(Launcher *launcher, LauncherKind kind, const char *subject, LauncherDone done,
                     LauncherFound found, void *userdata);
/* Calls back now, with what is set in it, and frees it. */
void pending_answer(Pending *pending);
/* The same from the loop, for answers that are known at once. 0 or -errno; pending is freed on error. */
int pending_answer_later(Pending *pending);
/* Gives a module 60 s: modprobe(8) hangs when the module's init does. */
int pending_limit_module(Pending *pending);
void pending_drop(Pending *pending);

/* "exited with status 1", "was killed by signal 9 (Killed)". The caller frees it. */
char *launcher_exit_words(const LauncherExit *exit);

/* Whether pid is still the process that was started at start_time. */
bool launcher_still_there(pid_t pid, uint64_t start_time);

/* "usher-guest@win10.service" */
char *launcher_unit_name(LauncherKind kind, const char *instance);
/* The reverse. -EINVAL for what is not the name of a unit of ours. The caller frees *ret_instance. */
int launcher_unit_parse(const char *unit, LauncherKind *ret_kind, char **ret_instance);
/* From the text of /proc/PID/cgroup (cgroups(7)): the unit of usher.slice that the process is in. -EPERM for
 * any other place. The caller frees *ret_instance. */
int launcher_cgroup_parse(const char *text, LauncherKind *ret_kind, char **ret_instance);
