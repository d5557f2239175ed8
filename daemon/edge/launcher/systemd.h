/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the launcher for systemd: systemd.c starts, stops and finds units, systemd-watch.c tells how
 * their main processes ended, systemd-again.c that systemd does not start them again. */
#pragma once

#include "private.h"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE "org.freedesktop.systemd1.Service"

typedef struct SystemdLauncher {
    Launcher base;
    sd_bus *bus;
    sd_bus_slot *job_removed;
    GPtrArray *starts;  /* of Start, owned */
    GPtrArray *watches; /* of Watch, owned */
    GPtrArray *follows; /* of Follow, owned */
} SystemdLauncher;

/* systemd-bus.c */
/* A method of the manager object. Without ret_slot and handler no reply is asked for. 0 or -errno. */
int systemd_call(SystemdLauncher *launcher, sd_bus_slot **ret_slot, sd_bus_message_handler_t handler,
                 void *userdata, const char *method, const char *types, ...);
/* The unit's object. The caller frees it. */
char *systemd_unit_path(LauncherKind kind, const char *instance);

/* The unit's "ActiveState" or "SubState" in PropertiesChanged: *ret is borrowed from the signal; NULL if
 * the signal does not have it. 0 or -errno. */
int systemd_read_state(sd_bus_message *signal, const char *name, const char **ret);

/* systemd-again.c */
/* A run of this unit has begun: from now on the listener hears if systemd was to start the unit again and
 * gives up. */
void systemd_follow(SystemdLauncher *launcher, LauncherKind kind, const char *instance);
void systemd_follow_free(void *follow);

/* systemd-unit.c */
int systemd_unit_look(Launcher *base, const char *name, LauncherUnitSeen seen, void *userdata);
int systemd_unit_set(Launcher *base, const char *name, bool active, LauncherDone done, void *userdata);

/* systemd-slice.c */
int systemd_slice_look(Launcher *base, const char *name, LauncherSliceSeen seen, void *userdata);
int systemd_slice_set(Launcher *base, const char *name, const GArray *cpus, LauncherDone done,
                      void *userdata);

/* systemd-watch.c */
int systemd_watch(Launcher *base, LauncherKind kind, const char *instance, pid_t pid, LauncherExited exited,
                  void *userdata);
void systemd_unwatch(Launcher *base, LauncherKind kind, const char *instance);
void systemd_forget_watches(Launcher *base, const void *userdata);
void systemd_watch_free(void *watch);
