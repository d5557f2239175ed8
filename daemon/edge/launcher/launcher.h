/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings helpers and guests up as processes, in one of two ways: as systemd units (usher-guest@NAME.service,
 * usher-bind@N.service), or, where PID 1 is not systemd, as the daemon's own children. Both pass the same
 * tests. A process comes up asking to be one: usher-launch or usher-bind connects to helper.sock, and
 * launcher_identify() says which unit it lives in.
 *
 * Nothing here blocks, and nothing calls back from within the call that asked for it. Every callback comes
 * exactly once, unless launcher_forget() takes it back or the launcher is freed before. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef enum LauncherKind {
    LAUNCHER_GUEST, /* instance: the guest's name */
    LAUNCHER_BIND,  /* instance: a number */
    LAUNCHER_KIND_MAX,
    LAUNCHER_KIND_INVALID = -EINVAL,
} LauncherKind;

typedef struct Launcher Launcher;

/* error: 0 or -errno; message: for a person, if error is set ("systemd did not start
 * usher-guest@win10.service: Unit is masked."), else NULL. */
typedef void (*LauncherDone)(int error, const char *message, void *userdata);

/* How a process ended. */
typedef struct LauncherExit {
    bool known; /* false: nobody could say */
    bool by_signal;
    int status; /* exit status, or the signal */
} LauncherExit;
typedef void (*LauncherExited)(const LauncherExit *exit, void *userdata);

/* An accepted start failed: the process ended, or the unit failed, before launcher_connected(). From there
 * on launcher_watch() reports. message: for a person. */
typedef void (*LauncherFailed)(const char *instance, const char *message, void *userdata);

/* bus is borrowed; it is the system bus the daemon is on, attached to event. */
int launcher_new_systemd(sd_event *event, sd_bus *bus, Launcher **ret);
/* libexecdir: where usher-launch and usher-bind are; socket_path: helper.sock, given to them in USHER_SOCKET.
 */
int launcher_new_fork(sd_event *event, const char *libexecdir, const char *socket_path, Launcher **ret);
/* Requests under way are dropped without a call. Guests go on running. NULL is fine; returns NULL. */
Launcher *launcher_free(Launcher *launcher);

/* "systemd" or "fork". */
const char *launcher_name(const Launcher *launcher);

/* "usher-guest@win10.service", also where no unit of that name exists (forking). The caller frees it. */
char *launcher_unit(const Launcher *launcher, LauncherKind kind, const char *instance);

/* The listener for failed starts; one a kind, failed NULL for none. */
void launcher_on_failed(Launcher *launcher, LauncherKind kind, LauncherFailed failed, void *userdata);
/* The listener for guests that their supervisor was to start again (Restart=) and has given up; forking:
 * none. */
void launcher_on_given_up(Launcher *launcher, LauncherFailed given_up, void *userdata);

/* Asks for a start; done is called when it was accepted (error 0) or not, never when the process is up: the
 * helper's connection tells that, and launcher_on_failed() that it never will. With systemd: StartUnit(…,
 * "replace"), after ResetFailedUnit, and after Reload if a guest's name has more than 25 characters, as its
 * user comes from usher-generator; a unit that is active already is fine. Fork: -EALREADY if the instance
 * still runs. done may be NULL. */
int launcher_start(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                   void *userdata);

/* Asks that it be stopped by its supervisor (systemd: StopUnit, so that Restart= does not bring it back;
 * fork: nothing). done comes when that was accepted, and may be NULL. */
int launcher_stop(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done,
                  void *userdata);

/* Sends a signal to the main process: through its pidfd (fork; -ESRCH if it is gone), or KillUnit("main") as
 * usherd has no CAP_KILL (systemd; what came of it is seen when the process ends). */
int launcher_kill(Launcher *launcher, LauncherKind kind, const char *instance, int signo);

/* Which unit does this process live in? Proven by its control group (systemd), or by its being our child, or
 * the same process as one that was (fork). -EPERM if in none of ours. The caller frees *ret_instance. Take a
 * pidfd of the process first and look whether it is still alive afterwards, so that the pid cannot be
 * another's meanwhile. */
int launcher_identify(Launcher *launcher, pid_t pid, LauncherKind *ret_kind, char **ret_instance);

/* The helper of a start has connected: launcher_on_failed() does not report that start any more.
 * helper-socket.c calls it. */
void launcher_connected(Launcher *launcher, LauncherKind kind, const char *instance);

/* Calls back once when the process behind pid has ended, with its exit as its supervisor knows it. For a
 * process that ended long ago, too. A second watch on the same instance takes the place of the first. */
int launcher_watch(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid,
                   LauncherExited exited, void *userdata);
/* Takes a watch back; no call after it. Fine if there is none. */
void launcher_unwatch(Launcher *launcher, LauncherKind kind, const char *instance);

/* The process after a restart of the daemon: pid is 0 if there is none. Under systemd it is the unit's
 * MainPID; where systemd does not answer, and when forked, it is pid_hint if that process still has
 * start_time_hint (field 22 of /proc/PID/stat), both of which the caller remembered. */
typedef void (*LauncherFound)(pid_t pid, void *userdata);
int launcher_find(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid_hint,
                  uint64_t start_time_hint, LauncherFound found, void *userdata);

/* Field 22 of /proc/PID/stat (proc_pid_stat(5)), in clock ticks since boot. -ESRCH if there is no such
 * process. */
int launcher_start_time(pid_t pid, uint64_t *ret);

/* Loads a kernel module: modprobe@MODULE.service, or modprobe(8). done is called when that has run: with
 * systemd it says nothing about success (the unit ignores modprobe's status), so look at /sys/module
 * afterwards. */
int launcher_load_module(Launcher *launcher, const char *module, LauncherDone done, void *userdata);

/* A unit that is not ours. Only with systemd: -ENOTSUP when forking. */
typedef struct LauncherUnit {
    bool loaded;       /* there is such a unit */
    bool transient;    /* without a file: gone for good once it has stopped */
    bool job;          /* systemd has been told to start it, or to stop it, and has not ended that */
    const char *state; /* "active", "inactive", "failed", … (ActiveState of org.freedesktop.systemd1(5)) */
} LauncherUnit;
/* unit is borrowed, and NULL with an error. */
typedef void (*LauncherUnitSeen)(int error, const LauncherUnit *unit, void *userdata);
int launcher_unit_look(Launcher *launcher, const char *unit, LauncherUnitSeen seen, void *userdata);
/* Starts or stops it. done is called when systemd has ended that job, however: look afterwards. */
int launcher_unit_set(Launcher *launcher, const char *unit, bool active, LauncherDone done, void *userdata);

/* The host CPUs on which a slice or a scope may run. Only with systemd: -ENOTSUP when forking. allowed:
 * AllowedCPUs=, "" if it is not limited; effective: the kernel's own answer (EffectiveCPUs), "" if there
 * is none. Borrowed, and NULL with an error. */
typedef void (*LauncherSliceSeen)(int error, const char *allowed, const char *effective, void *userdata);
int launcher_slice_look(Launcher *launcher, const char *unit, LauncherSliceSeen seen, void *userdata);
/* Until the next boot; cpus is of unsigned, empty: all of them. done is called when systemd has it: look
 * afterwards. */
int launcher_slice_set(Launcher *launcher, const char *unit, const GArray *cpus, LauncherDone done,
                       void *userdata);

/* No call with this userdata any more, whatever is pending: for owners that go before their answers come.
 * launcher_on_failed() does not report a start that was asked for with it either. When forking, the
 * process of such a start is not ours from then on (launcher_identify()), and does not prevent the next
 * start. */
void launcher_forget(Launcher *launcher, const void *userdata);
