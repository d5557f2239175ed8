/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With Restart=, systemd starts a unit again after its end, until that has happened too often in too short a
 * time (StartLimitBurst=, StartLimitIntervalSec=, systemd.unit(5)). Then the unit goes from waiting (SubState
 * "auto-restart") by "dead" to "failed" without a start in between. Result= does not tell: it keeps how the
 * last run ended. */
#include "systemd.h"

typedef struct Follow {
    SystemdLauncher *launcher;
    LauncherKind kind;
    char *instance;
    sd_bus_slot *states; /* PropertiesChanged of the unit */
    bool waiting;        /* systemd is about to start it again */
} Follow;

void systemd_follow_free(void *data)
{
    Follow *follow = data;

    sd_bus_slot_unref(follow->states);
    g_free(follow->instance);
    g_free(follow);
}

static int on_state_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    Follow *follow = userdata;
    const char *state;

    if (systemd_read_state(signal, "SubState", &state) < 0 || !state)
        return 0;
    bool given_up = follow->waiting && g_str_equal(state, "failed");
    follow->waiting = g_str_equal(state, "auto-restart") || (follow->waiting && g_str_equal(state, "dead"));
    Launcher *launcher = &follow->launcher->base;
    if (given_up && launcher->given_up)
        launcher->given_up(follow->instance,
                           "systemd does not start it again: it has ended too often in too short a time",
                           launcher->given_up_userdata);
    return 0;
}

static Follow *find_follow(SystemdLauncher *launcher, LauncherKind kind, const char *instance)
{
    for (unsigned i = 0; i < launcher->follows->len; i++) {
        Follow *follow = g_ptr_array_index(launcher->follows, i);
        if (follow->kind == kind && g_str_equal(follow->instance, instance))
            return follow;
    }
    return NULL;
}

void systemd_follow(SystemdLauncher *launcher, LauncherKind kind, const char *instance)
{
    Follow *follow = find_follow(launcher, kind, instance);

    /* usher-bind's units have no Restart=, and end on purpose. */
    if (kind != LAUNCHER_GUEST)
        return;
    if (follow) {
        follow->waiting = false;
        return;
    }
    g_autofree char *path = systemd_unit_path(kind, instance);
    g_autofree char *match = g_strdup_printf("type='signal',sender='" SYSTEMD_NAME
                                             "',path='%s',interface='org.freedesktop.DBus.Properties',"
                                             "member='PropertiesChanged',arg0='" SYSTEMD_UNIT "'",
                                             path);
    follow = g_new0(Follow, 1);
    *follow = (Follow){.launcher = launcher, .kind = kind, .instance = g_strdup(instance)};
    if (sd_bus_add_match_async(launcher->bus, &follow->states, match, on_state_changed, NULL, follow) < 0)
        systemd_follow_free(follow);
    else
        g_ptr_array_add(launcher->follows, follow);
}
