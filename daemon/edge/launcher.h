/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings helpers and guests up as processes, in one of two ways: as systemd units (usher-guest@NAME.service, usher-bind@N.service), or, where
 * PID 1 is not systemd, as the daemon's own children. Both pass the same tests. A process comes up asking to be one: usher-launch or usher-bind
 * connects to helper.sock, and launcher_identify() says which unit it lives in. Nothing here blocks. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef enum LauncherKind {
    LAUNCHER_GUEST, /* instance: the guest's name */
    LAUNCHER_BIND,  /* instance: a number */
} LauncherKind;

typedef struct Launcher Launcher;

/* error: 0 or -errno; message: words for a person where the start failed ("Job for … failed"), else NULL. Called exactly once. */
typedef void (*LauncherDone)(int error, const char *message, void *userdata);

/* How a process ended. */
typedef struct LauncherExit {
    bool known;   /* false: nobody could say */
    bool by_signal;
    int status;   /* exit status, or the signal */
} LauncherExit;
typedef void (*LauncherExited)(const LauncherExit *exit, void *userdata);

/* bus is borrowed; it is the system bus the daemon is on. */
int launcher_new_systemd(sd_event *event, sd_bus *bus, Launcher **ret);
/* libexecdir: where usher-launch and usher-bind are; socket_path: helper.sock, given to them in USHER_SOCKET. */
int launcher_new_fork(sd_event *event, const char *libexecdir, const char *socket_path, Launcher **ret);
Launcher *launcher_free(Launcher *launcher);

/* "systemd" or "fork". */
const char *launcher_name(const Launcher *launcher);

/* "usher-guest@win10.service"; the same words where nothing of that name exists. The caller frees it. */
char *launcher_unit(const Launcher *launcher, LauncherKind kind, const char *instance);

/* Asks for a start; done is called when it was accepted (error 0) or not, never when the process is up: the helper's connection tells that.
 * With systemd: StartUnit(…, "replace"), after ResetFailedUnit. A unit that is active already is fine. */
int launcher_start(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done, void *userdata);

/* Asks that it be stopped by its supervisor (systemd: StopUnit, so that Restart= does not bring it back; fork: nothing). done may be NULL. */
int launcher_stop(Launcher *launcher, LauncherKind kind, const char *instance, LauncherDone done, void *userdata);

/* Sends a signal to the main process: through its pidfd (fork), or KillUnit("main") as usherd has no CAP_KILL (systemd). */
int launcher_kill(Launcher *launcher, LauncherKind kind, const char *instance, int signo);

/* Which unit does this process live in? Proven by its control group (systemd), or by its being our child, or the same process as one that was (fork).
 * -EPERM if in none of ours. The caller frees *ret_instance. Take a pidfd of the process first, so that the pid cannot be another's meanwhile. */
int launcher_identify(Launcher *launcher, pid_t pid, LauncherKind *ret_kind, char **ret_instance);

/* Calls back once when the process behind pid has ended, with its exit as its supervisor knows it. For a process that ended long ago, too. */
int launcher_watch(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid, LauncherExited exited, void *userdata);
/* Takes a watch back; no call after it. Fine if there is none. */
void launcher_unwatch(Launcher *launcher, LauncherKind kind, const char *instance);

/* The guest's process after a restart of the daemon: *ret_pid is 0 if there is none. Asynchronous under systemd (MainPID of the unit); fork: from
 * pid_hint and start_time_hint (field 22 of /proc/PID/stat), which the caller remembered. */
typedef void (*LauncherFound)(pid_t pid, void *userdata);
int launcher_find(Launcher *launcher, LauncherKind kind, const char *instance, pid_t pid_hint, uint64_t start_time_hint,
                  LauncherFound found, void *userdata);

/* Loads a kernel module: modprobe@MODULE.service, or modprobe(8). done is called when it has been loaded, or could not be. */
int launcher_load_module(Launcher *launcher, const char *module, LauncherDone done, void *userdata);
