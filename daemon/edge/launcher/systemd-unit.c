/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units that are not ours: what they are, and their being stopped and started. */
#include <string.h>

#include "systemd.h"

static int read_unit(sd_bus_message *reply, LauncherUnit *ret)
{
    const char *name, *load = "", *path;
    uint32_t job = 0;

    *ret = (LauncherUnit){.state = ""};
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        int transient = 0;
        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
            return r;
        if (g_str_equal(name, "LoadState"))
            r = sd_bus_message_read(reply, "v", "s", &load);
        else if (g_str_equal(name, "ActiveState"))
            r = sd_bus_message_read(reply, "v", "s", &ret->state);
        else if (g_str_equal(name, "Job"))
            r = sd_bus_message_read(reply, "v", "(uo)", &job, &path);
        else if (g_str_equal(name, "Transient") &&
                 (r = sd_bus_message_read(reply, "v", "b", &transient)) >= 0)
            ret->transient = transient;
        else
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    ret->loaded = g_str_equal(load, "loaded");
    ret->job = job != 0;
    return r < 0 ? r : 0;
}

static int on_unit(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    LauncherUnitSeen seen = pending->seen;
    void *owner = pending->userdata;
    LauncherUnit unit = {.state = ""};
    int r = sd_bus_message_is_method_error(reply, NULL) ? -sd_bus_message_get_errno(reply)
                                                        : read_unit(reply, &unit);

    pending_drop(pending);
    seen(r, r < 0 ? NULL : &unit, owner);
    return 0;
}

int systemd_unit_look(Launcher *base, const char *name, LauncherUnitSeen seen, void *userdata)
{
    g_autofree char *path = NULL;
    int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", name, &path);
    if (r < 0)
        return r;

    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, name, NULL, NULL, userdata);
    pending->seen = seen;
    r = sd_bus_call_method_async(((SystemdLauncher *)base)->bus, &pending->slot, SYSTEMD_NAME, path,
                                 "org.freedesktop.DBus.Properties", "GetAll", on_unit, pending, "s",
                                 "org.freedesktop.systemd1.Unit");
    if (r < 0)
        pending_drop(pending);
    return r < 0 ? r : 0;
}

/* Answered once the job is gone (on_job_removed()), however it ended. */
static int on_job(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    const sd_bus_error *why = sd_bus_message_get_error(reply);
    const char *path;

    pending->slot = sd_bus_slot_unref(pending->slot);
    if (!why && sd_bus_message_read(reply, "o", &path) >= 0) {
        pending->job = g_strdup(path);
        return 0;
    }
    pending->error = why ? -sd_bus_error_get_errno(why) : -EBADMSG;
    pending->message = g_strdup_printf("systemd did not stop or start %s: %s", pending->subject,
                                       why && why->message ? why->message : "no reason given");
    pending_answer(pending);
    return 0;
}

int systemd_unit_set(Launcher *base, const char *name, bool active, LauncherDone done, void *userdata)
{
    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, name, done, NULL, userdata);

    int r = systemd_call((SystemdLauncher *)base, &pending->slot, on_job, pending,
                         active ? "StartUnit" : "StopUnit", "ss", name, "replace");
    if (r < 0)
        pending_drop(pending);
    return r;
}
