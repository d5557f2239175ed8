/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host CPUs that a slice or a scope may run on: AllowedCPUs= (systemd.resource-control(5)). On the bus it
 * is an array of bytes, one bit a CPU from the lowest on; an empty array is no limit. */
#include <string.h>

#include "../../core/host/cpu-list.h"
#include "systemd.h"

static int read_cpus(sd_bus_message *reply, char **ret)
{
    g_autoptr(GArray) set = g_array_new(FALSE, FALSE, sizeof(unsigned));
    const uint8_t *bits;
    size_t n;

    int r = sd_bus_message_enter_container(reply, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_read_array(reply, 'y', (const void **)&bits, &n);
    if (r >= 0)
        r = sd_bus_message_exit_container(reply);
    if (r < 0)
        return r;
    for (unsigned cpu = 0; cpu < MIN(8 * n, CPU_LIST_MAX); cpu++)
        if (bits[cpu / 8] & 1U << cpu % 8)
            g_array_append_val(set, cpu);
    g_free(*ret);
    *ret = cpu_set_to_text(set);
    return 0;
}

static int read_slice(sd_bus_message *reply, char **ret_allowed, char **ret_effective)
{
    const char *name;

    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
            return r;
        if (g_str_equal(name, "AllowedCPUs"))
            r = read_cpus(reply, ret_allowed);
        else if (g_str_equal(name, "EffectiveCPUs"))
            r = read_cpus(reply, ret_effective);
        else
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return r;
}

static int on_slice(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    LauncherSliceSeen seen = pending->slice_seen;
    void *owner = pending->userdata;
    g_autofree char *allowed = NULL, *effective = g_strdup("");
    int r = sd_bus_message_is_method_error(reply, NULL) ? -sd_bus_message_get_errno(reply)
                                                        : read_slice(reply, &allowed, &effective);

    if (r >= 0 && !allowed)
        r = -ENOTSUP;
    pending_drop(pending);
    seen(r < 0 ? r : 0, r < 0 ? NULL : allowed, r < 0 ? NULL : effective, owner);
    return 0;
}

int systemd_slice_look(Launcher *base, const char *name, LauncherSliceSeen seen, void *userdata)
{
    const char *interface = g_str_has_suffix(name, ".scope") ? SYSTEMD_NAME ".Scope" : SYSTEMD_NAME ".Slice";
    g_autofree char *path = NULL;
    int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", name, &path);
    if (r < 0)
        return r;

    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, name, NULL, NULL, userdata);
    pending->slice_seen = seen;
    r = sd_bus_call_method_async(((SystemdLauncher *)base)->bus, &pending->slot, SYSTEMD_NAME, path,
                                 "org.freedesktop.DBus.Properties", "GetAll", on_slice, pending, "s",
                                 interface);
    if (r < 0)
        pending_drop(pending);
    return r < 0 ? r : 0;
}

static int on_slice_set(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    Pending *pending = userdata;
    const sd_bus_error *why = sd_bus_message_get_error(reply);

    pending->error = why ? -sd_bus_error_get_errno(why) : 0;
    if (why)
        pending->message = g_strdup_printf("systemd did not set AllowedCPUs= of %s: %s", pending->subject,
                                           why->message ?: why->name);
    pending_answer(pending);
    return 0;
}

int systemd_slice_set(Launcher *base, const char *name, const GArray *cpus, LauncherDone done, void *userdata)
{
    SystemdLauncher *launcher = (SystemdLauncher *)base;
    uint8_t bits[CPU_LIST_MAX / 8] = {};
    __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *call = NULL;
    size_t n = 0;

    for (unsigned i = 0; i < cpus->len; i++) {
        unsigned cpu = g_array_index(cpus, unsigned, i);
        bits[cpu / 8] |= 1U << cpu % 8;
        n = MAX(n, cpu / 8 + 1);
    }
    int r = sd_bus_message_new_method_call(launcher->bus, &call, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                           "SetUnitProperties");
    /* True: until the next boot. */
    if (r >= 0)
        r = sd_bus_message_append(call, "sb", name, true);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "(sv)");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", "AllowedCPUs");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_append_array(call, 'y', bits, n);
    for (unsigned i = 0; r >= 0 && i < 3; i++)
        r = sd_bus_message_close_container(call);
    if (r < 0)
        return r;
    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, name, done, NULL, userdata);
    r = sd_bus_call_async(launcher->bus, &pending->slot, call, on_slice_set, pending, 0);
    if (r < 0)
        pending_drop(pending);
    return r < 0 ? r : 0;
}
