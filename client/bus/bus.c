/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <string.h>

#include "../../daemon/base/fault.h"
#include "../../daemon/base/forged.h"
#include "agent.h"

/* Long enough to fetch an administrator who knows the password. */
#define ASKING_TIMEOUT_USEC (5 * 60 * G_USEC_PER_SEC)

static int report_connection(const Client *client, int r)
{
    if (client->host)
        say("Cannot reach usherd on %s over ssh: %s; try: ssh %s usherctl", client->host, g_strerror(-r),
            client->host);
    else
        say("Cannot reach the system bus: %s; see whether it runs: systemctl status dbus", g_strerror(-r));
    return STATUS_FAILED;
}

int bus_open(Client *client)
{
    int r;

    if (client->bus)
        return STATUS_OK;
    if (client->host)
        r = sd_bus_open_system_remote(&client->bus, client->host);
    else
        r = sd_bus_open_system(&client->bus);
    if (r >= 0)
        r = forged_signals_drop(client->bus);
    return r < 0 ? report_connection(client, r) : STATUS_OK;
}

int bus_open_asking(Client *client)
{
    int status = bus_open(client);

    if (status != STATUS_OK || !client->ask_password)
        return status;
    if (!client->host)
        agent_open();
    sd_bus_set_allow_interactive_authorization(client->bus, true);
    sd_bus_set_method_call_timeout(client->bus, ASKING_TIMEOUT_USEC);
    return STATUS_OK;
}

int bus_error_status(const char *name)
{
    if (!name || !g_str_has_prefix(name, BUS_ERROR_PREFIX))
        return STATUS_FAILED;
    switch ((int)fault_kind_from_string(name + strlen(BUS_ERROR_PREFIX))) {
    case FAULT_NO_SUCH_GUEST:
    case FAULT_NO_SUCH_DEVICE:
        return STATUS_NO_SUCH;
    case FAULT_NOT_RUNNING:
        return STATUS_NOT_RUNNING;
    default:
        return STATUS_FAILED;
    }
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (g_str_has_prefix(name, *names))
            return true;
    }
    return false;
}

/* Nobody owns the name, and no service could be started for it. */
static const char *const absent[] = {SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                     "org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.systemd1.", NULL};
static const char *const silent[] = {SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT,
                                     "org.freedesktop.DBus.Error.TimedOut", NULL};
static const char *const forbidden[] = {SD_BUS_ERROR_ACCESS_DENIED,
                                        SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, NULL};
static const char *const foreign[] = {SD_BUS_ERROR_UNKNOWN_METHOD,
                                      SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                      SD_BUS_ERROR_UNKNOWN_OBJECT,
                                      SD_BUS_ERROR_UNKNOWN_PROPERTY,
                                      SD_BUS_ERROR_INVALID_ARGS,
                                      SD_BUS_ERROR_INVALID_SIGNATURE,
                                      NULL};

static int report_reply(const Client *client, const char *what, const sd_bus_error *error)
{
    const char *name = error->name;
    const char *text = error->message && *error->message ? error->message : name;
    g_autofree char *where = client->host ? g_strdup_printf(" on %s", client->host) : g_strdup("");

    if (g_str_has_prefix(name, BUS_ERROR_PREFIX))
        say("%s", text);
    else if (is_one_of(name, absent))
        say("Cannot %s: usherd is not running%s and could not be started; see why: systemctl status usherd",
            what, where);
    else if (is_one_of(name, silent))
        say("Cannot %s: usherd%s does not answer; see what it does: systemctl status usherd", what, where);
    else if (is_one_of(name, forbidden))
        say("Cannot %s: you are not allowed to; run usherctl as root, or in a session in which polkit can "
            "ask you",
            what);
    else if (is_one_of(name, foreign))
        say("Cannot %s: this usherctl and usherd%s do not fit together (%s); compare: usherctl version", what,
            where, text);
    else
        say("Cannot %s: %s", what, text);
    return bus_error_status(name);
}

int bus_report(const Client *client, const char *what, const sd_bus_error *error, int r)
{
    /* sd-bus has error names of its own ("System.Error.ECONNRESET"): those are about the connection. */
    if (error && error->name && !g_str_has_prefix(error->name, "System.Error."))
        return report_reply(client, what, error);
    if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
        return report_connection(client, r);
    if (r == -EBADMSG || r == -ENXIO)
        say("Cannot %s: this usherctl and usherd do not fit together; compare: usherctl version", what);
    else
        say("Cannot %s: %s", what, g_strerror(-r));
    return STATUS_FAILED;
}

static int new_call_v(Client *client, sd_bus_message **ret, const char *path, const char *interface,
                      const char *member, const char *types, va_list ap)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = bus_open(client);
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = sd_bus_message_new_method_call(client->bus, &call, BUS_NAME, path, interface, member)) < 0 ||
        (*types && (r = sd_bus_message_appendv(call, types, ap)) < 0))
        return bus_report(client, "ask usherd", NULL, r);
    *ret = g_steal_pointer(&call);
    return STATUS_OK;
}

int bus_new_call(Client *client, sd_bus_message **ret, const char *member, const char *types, ...)
{
    va_list ap;
    int status;

    va_start(ap, types);
    status = new_call_v(client, ret, BUS_ROOT, BUS_MANAGER, member, types, ap);
    va_end(ap);
    return status;
}

int bus_new_guest_call(Client *client, sd_bus_message **ret, const char *guest, const char *member,
                       const char *types, ...)
{
    g_autofree char *path = NULL;
    int status = bus_guest_path(client, guest, &path);
    va_list ap;

    if (status != STATUS_OK)
        return status;
    va_start(ap, types);
    status = new_call_v(client, ret, path, BUS_GUEST, member, types, ap);
    va_end(ap);
    return status;
}

int bus_send(Client *client, const char *what, sd_bus_message *call, sd_bus_message **ret)
{
    __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(client->bus, call, 0, &error, ret);

    return r < 0 ? bus_report(client, what, &error, r) : STATUS_OK;
}

static int call_v(Client *client, const char *what, sd_bus_message **ret, const char *path,
                  const char *interface, const char *member, const char *types, va_list ap)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = new_call_v(client, &call, path, interface, member, types, ap);

    return status == STATUS_OK ? bus_send(client, what, call, ret) : status;
}

int bus_call(Client *client, const char *what, sd_bus_message **ret, const char *member, const char *types,
             ...)
{
    va_list ap;
    int status;

    va_start(ap, types);
    status = call_v(client, what, ret, BUS_ROOT, BUS_MANAGER, member, types, ap);
    va_end(ap);
    return status;
}

int bus_call_object(Client *client, const char *what, sd_bus_message **ret, const char *path,
                    const char *interface, const char *member, const char *types, ...)
{
    va_list ap;
    int status;

    va_start(ap, types);
    status = call_v(client, what, ret, path, interface, member, types, ap);
    va_end(ap);
    return status;
}

int bus_guest_path(Client *client, const char *name, char **ret)
{
    g_autoptr(sd_bus_message) reply = NULL;
    const char *path;
    int status = bus_call(client, "look the guest up", &reply, "GetGuest", "s", name);
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = sd_bus_message_read(reply, "o", &path)) < 0)
        return bus_report(client, "look the guest up", NULL, r);
    *ret = g_strdup(path);
    return STATUS_OK;
}

int bus_list(Client *client, const char *member, const PropsType *type, GPtrArray **ret)
{
    g_autoptr(sd_bus_message) reply = NULL;
    const char *what = type == &GUEST_PROPS    ? "list the guests"
                       : type == &DEVICE_PROPS ? "list the devices"
                                               : "list the jobs";
    int status = bus_call(client, what, &reply, member, "");
    int r;

    if (status != STATUS_OK)
        return status;
    r = props_read_list(reply, type, ret);
    return r < 0 ? bus_report(client, what, NULL, r) : STATUS_OK;
}

int bus_append_stop_holders(const Client *client, sd_bus_message *call)
{
    if (!client->stop_holders)
        return 0;

    int r = sd_bus_message_open_container(call, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(call, "s", "stop_holders");
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(call, client->stop_holders);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

static int append_bind_options(const Client *client, sd_bus_message *call)
{
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0 && client->functions)
        r = sd_bus_message_append(call, "{sv}", "functions", "s", client->functions);
    if (r >= 0 && client->group)
        r = sd_bus_message_append(call, "{sv}", "group", "s", client->group);
    if (r >= 0)
        r = bus_append_stop_holders(client, call);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

int bus_new_bind_call(Client *client, sd_bus_message **ret, const char *guest, const char *member,
                      const char *address)
{
    g_autoptr(sd_bus_message) call = NULL;
    int status = guest ? bus_new_guest_call(client, &call, guest, member, "s", address)
                       : bus_new_call(client, &call, member, "s", address);
    int r;

    if (status != STATUS_OK)
        return status;
    if ((r = append_bind_options(client, call)) < 0)
        return bus_report(client, "ask for the device", NULL, r);
    *ret = g_steal_pointer(&call);
    return STATUS_OK;
}

int bus_manager(Client *client, ManagerProps *manager)
{
    g_autoptr(sd_bus_message) reply = NULL;
    const char *what = "read the properties of usherd";
    int status = bus_call_object(client, what, &reply, BUS_ROOT, "org.freedesktop.DBus.Properties", "GetAll",
                                 "s", BUS_MANAGER);
    int r;

    if (status != STATUS_OK)
        return status;
    r = props_read(reply, manager);
    return r < 0 ? bus_report(client, what, NULL, r) : STATUS_OK;
}
