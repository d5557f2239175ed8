/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How systemd is spoken with over the bus. */
#include <string.h>

#include "systemd.h"

char *systemd_unit_path(LauncherKind kind, const char *instance)
{
    g_autofree char *unit = launcher_unit_name(kind, instance);
    char *path = NULL;

    if (sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path) < 0)
        g_error("out of memory");
    return path;
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

int systemd_read_state(sd_bus_message *signal, const char *wanted, const char **ret)
{
    const char *interface, *name;

    *ret = NULL;
    int r = sd_bus_message_read(signal, "s", &interface);
    if (r >= 0)
        r = sd_bus_message_enter_container(signal, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(signal, 'e', "sv")) > 0) {
        r = sd_bus_message_read(signal, "s", &name);
        if (r >= 0 && g_str_equal(name, wanted))
            return sd_bus_message_read(signal, "v", "s", ret);
        if (r >= 0)
            r = sd_bus_message_skip(signal, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(signal);
    }
    return r;
}
