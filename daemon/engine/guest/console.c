/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the console from a client whose connection nobody here has an end of, as usherd was started after it
 * was made: QEMU gets another socket to listen at in place of that one (chardev-change), and so lets go of
 * the client. */
#include "../../base/cleanup.h"
#include "private.h"

#define FD_NAME "console"

static void end(Guest *g, int error)
{
    GuestConsoleRenewed renewed = g->run->console_renewed;

    g->run->console_renewed = NULL;
    renewed(g, error);
}

static void on_changed(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;

    /* It has a descriptor of its own by now. */
    if (g->run->console_set >= 0) {
        struct json_object *set = json_object_new_object();
        json_object_object_add(set, "fdset-id", json_object_new_int(g->run->console_set));
        qmp_command(qmp, "remove-fd", set, QMP_ANSWER_USEC, NULL, NULL);
    }
    end(g, error);
}

/* As qemu-argv.c has it: {"id": "console", "backend": {"type": "socket", "data": …}}. */
static struct json_object *socket_backend(const Guest *g)
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
    if (g->run->console_set >= 0) {
        g_autofree char *log = g_strdup_printf("/dev/fdset/%d", g->run->console_set);
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
    Guest *g = userdata;

    if (error == 0)
        error = qmp_command(qmp, "chardev-change", socket_backend(g), QMP_ANSWER_USEC, on_changed, g);
    if (error < 0)
        end(g, error);
}

static int give_listener(Guest *g)
{
    g_autofree char *path = guest_run_path(g, "console.sock");
    int fd = qmp_listen(path);

    if (fd < 0)
        return fd;
    struct json_object *arguments = json_object_new_object();
    json_object_object_add(arguments, "fdname", json_object_new_string(FD_NAME));
    return qmp_command_with_fd(qemu_link_qmp(g->run->link), fd, "getfd", arguments, QMP_ANSWER_USEC,
                               on_listener, g);
}

static void on_log(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Guest *g = userdata;
    struct json_object *set = NULL;

    if (error == 0)
        error = json_object_object_get_ex(result, "fdset-id", &set) ? 0 : -EBADMSG;
    if (error == 0) {
        g->run->console_set = json_object_get_int(set);
        error = give_listener(g);
    }
    if (error < 0)
        end(g, error);
}

int guest_renew_console(Guest *g, GuestConsoleRenewed renewed)
{
    int r;

    if (!g->run->definition || !qemu_link_qmp(g->run->link))
        return -ENOTCONN;
    g->run->console_set = -1;
    g->run->console_renewed = renewed;
    if (!g->run->definition->console_log) {
        r = give_listener(g);
    } else {
        r = guest_open_console_log(g);
        if (r >= 0)
            r = qmp_command_with_fd(qemu_link_qmp(g->run->link), r, "add-fd", NULL, QMP_ANSWER_USEC, on_log,
                                    g);
    }
    return r < 0 ? r : 0;
}
