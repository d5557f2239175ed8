/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "console.h"

#include <errno.h>
#include <glib.h>

#include "../../base/cleanup.h"
#include "fd-set.h"

#define FD_NAME "console"

struct ConsoleRenewal {
    Qmp *qmp;
    char *path;
    int log_set; /* QEMU's number of the console's log */
    ConsoleRenewed renewed;
    void *userdata;
};

static void end(ConsoleRenewal *renewal, int error, const char *message)
{
    renewal->renewed(error, message, renewal->userdata);
}

static void on_changed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    ConsoleRenewal *renewal = userdata;

    /* QEMU has a descriptor of its own by now. */
    fd_set_remove(qmp, renewal->log_set);
    end(renewal, error, message);
}

/* As core/qemu/argv has it: {"id": "console", "backend": {"type": "socket", "data": …}}. */
static struct json_object *socket_backend(const ConsoleRenewal *renewal)
{
    struct json_object *arguments = json_object_new_object(), *backend = json_object_new_object(),
                       *data = json_object_new_object(), *address = json_object_new_object(),
                       *number = json_object_new_object();

    json_object_object_add(number, "str", json_object_new_string(FD_NAME));
    json_object_object_add(address, "type", json_object_new_string("fd"));
    json_object_object_add(address, "data", number);
    json_object_object_add(data, "addr", address);
    json_object_object_add(data, "server", json_object_new_boolean(true));
    json_object_object_add(data, "wait", json_object_new_boolean(false));
    if (renewal->log_set != FD_SET_NONE) {
        g_autofree char *log = fd_set_path(renewal->log_set);
        json_object_object_add(data, "logfile", json_object_new_string(log));
        json_object_object_add(data, "logappend", json_object_new_boolean(true));
    }
    json_object_object_add(backend, "type", json_object_new_string("socket"));
    json_object_object_add(backend, "data", data);
    json_object_object_add(arguments, "id", json_object_new_string("console"));
    json_object_object_add(arguments, "backend", backend);
    return arguments;
}

static void on_listener(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    ConsoleRenewal *renewal = userdata;

    if (error == 0)
        error =
            qmp_command(qmp, "chardev-change", socket_backend(renewal), QMP_ANSWER_USEC, on_changed, renewal);
    if (error < 0)
        end(renewal, error, message);
}

static int give_listener(ConsoleRenewal *renewal)
{
    int fd = qmp_listen(renewal->path);

    if (fd < 0)
        return fd;
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "fdname", json_object_new_string(FD_NAME));
    return qmp_command_with_fd(renewal->qmp, fd, "getfd", arguments, QMP_ANSWER_USEC, on_listener, renewal);
}

static void on_log(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    ConsoleRenewal *renewal = userdata;

    if (error == 0)
        renewal->log_set = fd_set_of(result);
    if (error == 0)
        error = renewal->log_set == FD_SET_NONE ? -EBADMSG : give_listener(renewal);
    if (error < 0)
        end(renewal, error, message);
}

int console_renewal_new(Qmp *qmp, const char *path, int log_fd, ConsoleRenewed renewed, void *userdata,
                        ConsoleRenewal **ret)
{
    ConsoleRenewal *renewal = g_new(ConsoleRenewal, 1);

    *renewal = (ConsoleRenewal){qmp, g_strdup(path), FD_SET_NONE, renewed, userdata};
    int r = log_fd < 0 ? give_listener(renewal) : fd_set_add(qmp, log_fd, on_log, renewal);
    if (r < 0)
        console_renewal_free(renewal);
    else
        *ret = renewal;
    return r;
}

DEFINE_FREE(ConsoleRenewal, console_renewal_free, renewal)
{
    g_free(renewal->path);
}
