/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../daemon/base/cleanup.h"
#include "fake-qemu.h"

FakeQemu fake_qemu_new(const Rig *rig)
{
    return (FakeQemu){
        .rig = rig,
        .launch_fd = -1,
        .listen_fd = -1,
        .qmp_fd = -1,
        .status = "prelaunch",
        .commands = g_string_new(NULL),
    };
}

void fake_qemu_free(FakeQemu *qemu)
{
    close_fd(qemu->launch_fd);
    close_fd(qemu->listen_fd);
    close_fd(qemu->qmp_fd);
    g_string_free(qemu->commands, TRUE);
    g_free(qemu->emulator);
}

static void on_nothing(Channel *channel, char **words, int *fds, unsigned n_fds, void *userdata)
{
}

void fake_qemu_connect(FakeQemu *qemu, Guest *guest)
{
    Channel *channel;
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    qemu->launch_fd = fds[0];
    ck_assert_int_ge(channel_new(qemu->rig->engine.event, fds[1], on_nothing, NULL, &channel), 0);
    guest_connected(guest, channel, QEMU_PID, GUEST_UID, GUEST_UID);
}

void fake_qemu_hang_up(FakeQemu *qemu)
{
    qemu->launch_fd = close_fd(qemu->launch_fd);
    qemu->listen_fd = close_fd(qemu->listen_fd);
    qemu->qmp_fd = close_fd(qemu->qmp_fd);
}

static bool listens_for_qmp(int fd)
{
    struct sockaddr_un address = {};
    socklen_t size = sizeof(address);

    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.sun_family == AF_UNIX &&
           g_str_has_suffix(address.sun_path, "/qmp.sock");
}

bool fake_qemu_take_over(FakeQemu *qemu)
{
    g_auto(GStrv) words = NULL;
    int fds[CHANNEL_FDS_MAX];
    unsigned n_fds = 0;

    rig_settle(qemu->rig);
    if (channel_receive_blocking(qemu->launch_fd, &words, fds, CHANNEL_FDS_MAX, &n_fds) < 0)
        return false;
    if (g_str_equal(words[0], "pin")) {
        qemu->emulator = g_strdup(words[1]);
        g_clear_pointer(&words, g_strfreev);
        if (channel_receive_blocking(qemu->launch_fd, &words, fds, CHANNEL_FDS_MAX, &n_fds) < 0)
            return false;
    }
    if (!g_str_equal(words[0], "run"))
        return false;
    for (unsigned i = 0; i < n_fds; i++) {
        if (listens_for_qmp(fds[i]))
            qemu->listen_fd = fds[i];
        else
            close_fd(fds[i]);
    }
    if (!qemu->emulator)
        qemu->launch_fd = close_fd(qemu->launch_fd);
    ck_assert_int_ge(qemu->listen_fd, 0);
    return true;
}

char *fake_qemu_place(FakeQemu *qemu, const char *const *words)
{
    g_auto(GStrv) asked = NULL;
    unsigned n_fds = 0;

    ck_assert_int_eq(channel_receive_blocking(qemu->launch_fd, &asked, NULL, 0, &n_fds), 0);
    ck_assert_int_eq(channel_send_blocking(qemu->launch_fd, words, NULL, 0), 0);
    qemu->launch_fd = close_fd(qemu->launch_fd);
    return g_strjoinv(" ", asked);
}

static void say(FakeQemu *qemu, const char *text)
{
    ck_assert_int_eq(send(qemu->qmp_fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What it returns, or why not. */
static char *result_of(const FakeQemu *qemu, const char *command)
{
    bool moves_tray = g_str_equal(command, "eject") || g_str_equal(command, "blockdev-change-medium");

    if (qemu->tray_locked && moves_tray)
        return g_strdup("\"error\": {\"class\": \"GenericError\", \"desc\": \"Device 'x' is locked and force "
                        "was not specified, wait for tray to open and try again\"}");
    if (g_str_equal(command, "query-status"))
        return g_strdup_printf("\"return\": {\"status\": \"%s\"}", qemu->status);
    if (g_str_equal(command, "query-chardev") && qemu->chardevs)
        return g_strdup_printf("\"return\": %s", qemu->chardevs);
    if (g_str_equal(command, "query-named-block-nodes"))
        return g_strdup("\"return\": [{\"node-name\": \"cdrom-0-file\", \"file\": \"/dev/fdset/7\"}]");
    if (g_str_equal(command, "query-cpus-fast"))
        return g_strdup("\"return\": [{\"thread-id\": 100}, {\"thread-id\": 101}]");
    if (g_str_equal(command, "query-iothreads"))
        return g_strdup("\"return\": [{\"id\": \"a\", \"thread-id\": 200}]");
    if (g_str_equal(command, "add-fd"))
        return g_strdup("\"return\": {\"fdset-id\": 70, \"fd\": 12}");
    return g_strdup("\"return\": {}");
}

void fake_qemu_open_tray(FakeQemu *qemu, const char *drive)
{
    g_autofree char *event = g_strdup_printf("{\"event\": \"DEVICE_TRAY_MOVED\", \"data\": {\"id\": \"%s\", "
                                             "\"device\": \"\", \"tray-open\": true}}\n",
                                             drive);

    qemu->tray_locked = false;
    say(qemu, event);
    fake_qemu_serve(qemu);
}

static void answer(FakeQemu *qemu, const char *command, int64_t id)
{
    g_autofree char *result = result_of(qemu, command);
    g_autofree char *reply = g_strdup_printf("{%s, \"id\": %" G_GINT64_FORMAT "}\n", result, id);

    say(qemu, reply);
    if (g_str_equal(command, "cont") && !g_str_equal(qemu->status, "running")) {
        qemu->status = "running";
        say(qemu, "{\"event\": \"RESUME\"}\n");
    }
    if (g_str_equal(command, "stop") && g_str_equal(qemu->status, "running")) {
        qemu->status = "paused";
        say(qemu, "{\"event\": \"STOP\"}\n");
    }
}

/* Whole lines, as the connection is this process's own. */
static bool read_commands(FakeQemu *qemu)
{
    char text[8192];
    ssize_t n = recv(qemu->qmp_fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    if (n <= 0)
        return false;
    text[n] = '\0';
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        struct json_object *object = json_tokener_parse(*line), *field;
        if (!object)
            continue;
        ck_assert(json_object_object_get_ex(object, "execute", &field));
        const char *command = json_object_get_string(field);
        g_string_append_printf(qemu->commands, "%s\n", command);
        ck_assert(json_object_object_get_ex(object, "id", &field));
        if (!qemu->mute)
            answer(qemu, command, json_object_get_int64(field));
        json_object_put(object);
    }
    return true;
}

void fake_qemu_serve(FakeQemu *qemu)
{
    rig_settle(qemu->rig);
    if (qemu->qmp_fd < 0) {
        qemu->qmp_fd = accept4(qemu->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(qemu->qmp_fd, 0);
        if (!qemu->mute)
            say(qemu, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n");
    }
    do {
        rig_settle(qemu->rig);
    } while (read_commands(qemu));
}
