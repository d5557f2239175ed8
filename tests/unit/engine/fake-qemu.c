/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <poll.h>
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
        .files = g_string_new(NULL),
        .ports = g_ptr_array_new_with_free_func(g_free),
        .devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
}

void fake_qemu_free(FakeQemu *qemu)
{
    close_fd(qemu->launch_fd);
    close_fd(qemu->listen_fd);
    close_fd(qemu->qmp_fd);
    g_string_free(qemu->commands, TRUE);
    g_string_free(qemu->files, TRUE);
    g_ptr_array_unref(qemu->ports);
    g_hash_table_destroy(qemu->devices);
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

static const char *text_of(struct json_object *object, const char *name)
{
    return json_object_get_string(json_object_object_get(object, name)) ?: "";
}

static void add_device(FakeQemu *qemu, struct json_object *device)
{
    const char *host = text_of(device, "host");

    /* What get_pci_host_devaddr() gives for a device with sysfsdev alone. */
    g_hash_table_insert(qemu->devices, g_strdup(text_of(device, "id")),
                        g_strdup(host[0] ? host : "ffff:ff:ff.f"));
    if (qemu->group)
        fake_host_open_group(qemu->rig->host, qemu->group);
}

static void remove_device(FakeQemu *qemu, const char *id)
{
    g_hash_table_remove(qemu->devices, id);
    if (qemu->group && g_hash_table_size(qemu->devices) == 0)
        fake_host_close_group(qemu->rig->host, qemu->group);
}

/* What its command line says of ports and devices. */
static void read_argument(FakeQemu *qemu, const char *argument)
{
    struct json_object *object = *argument == '{' ? json_tokener_parse(argument) : NULL;

    if (!object)
        return;
    if (g_str_equal(text_of(object, "driver"), "pcie-root-port"))
        g_ptr_array_add(qemu->ports, g_strdup(text_of(object, "id")));
    if (g_str_equal(text_of(object, "driver"), "vfio-pci"))
        add_device(qemu, object);
    json_object_put(object);
}

static void note_file(FakeQemu *qemu, int fd)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd), *target = g_file_read_link(name, NULL);

    g_string_append_printf(qemu->files, "%s\n", target ?: "");
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
        note_file(qemu, fds[i]);
        if (listens_for_qmp(fds[i]))
            qemu->listen_fd = fds[i];
        else
            close_fd(fds[i]);
    }
    for (char **word = words; *word; word++)
        read_argument(qemu, *word);
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

static char *list_devices(const FakeQemu *qemu)
{
    GString *text = g_string_new("\"return\": [{\"name\": \"type\", \"type\": \"string\"}");
    GHashTableIter iter;
    const char *id;

    for (unsigned i = 0; i < qemu->ports->len; i++)
        g_string_append_printf(text, ", {\"name\": \"%s\", \"type\": \"child<pcie-root-port>\"}",
                               (char *)g_ptr_array_index(qemu->ports, i));
    g_hash_table_iter_init(&iter, qemu->devices);
    while (g_hash_table_iter_next(&iter, (void **)&id, NULL))
        g_string_append_printf(text, ", {\"name\": \"%s\", \"type\": \"child<vfio-pci>\"}", id);
    g_string_append(text, "]");
    return g_string_free(text, FALSE);
}

/* Devices that come and go; NULL: it is another command. */
static char *plug_result(FakeQemu *qemu, const char *command, struct json_object *arguments)
{
    if (g_str_equal(command, "device_add") && g_strcmp0(text_of(arguments, "id"), qemu->refuses) == 0)
        return g_strdup("\"error\": {\"class\": \"GenericError\", \"desc\": \"vfio: no such luck\"}");
    if (g_str_equal(command, "device_add"))
        add_device(qemu, arguments);
    if (g_str_equal(command, "object-add") && g_strcmp0(text_of(arguments, "qom-type"), "iommufd") == 0)
        qemu->iommufd = true;
    if (g_str_equal(command, "qom-list") && g_strcmp0(text_of(arguments, "path"), "/objects") == 0)
        return g_strdup(qemu->iommufd
                            ? "\"return\": [{\"name\": \"iommufd0\", \"type\": \"child<iommufd>\"}]"
                            : "\"return\": [{\"name\": \"ram\", \"type\": \"child<memory-backend-ram>\"}]");
    if (g_str_equal(command, "qom-list"))
        return list_devices(qemu);
    if (g_str_equal(command, "qom-get")) {
        const char *id = strrchr(text_of(arguments, "path"), '/') + 1;
        const char *address = g_hash_table_lookup(qemu->devices, id);
        return address ? g_strdup_printf("\"return\": \"%s\"", address)
                       : g_strdup("\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"gone\"}");
    }
    return NULL;
}

/* What it returns, or why not. */
static char *result_of(FakeQemu *qemu, const char *command, struct json_object *arguments)
{
    char *plugged = plug_result(qemu, command, arguments);

    if (plugged)
        return plugged;
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
    if (g_str_equal(command, "human-monitor-command") && qemu->button)
        return g_strdup_printf("\"return\": \"%s\\r\\n\"", qemu->button);
    if (g_str_equal(command, "system_wakeup") && (qemu->stays || !g_str_equal(qemu->status, "suspended")))
        return g_strdup("\"error\": {\"class\": \"GenericError\", \"desc\": \"Unable to wake up\"}");
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

static void delete_device(FakeQemu *qemu, const char *id)
{
    g_autofree char *name = g_strdup(id);
    g_autofree char *event = g_strdup_printf("{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"%s\", "
                                             "\"path\": \"/machine/peripheral/%s\"}}\n",
                                             id, id);

    remove_device(qemu, name);
    say(qemu, event);
}

static void eject(FakeQemu *qemu, const char *slot)
{
    for (unsigned i = 0; i < 8; i++) {
        g_autofree char *id = g_strdup_printf("%s-%u", slot, i);
        if (g_hash_table_contains(qemu->devices, id))
            delete_device(qemu, id);
    }
}

void fake_qemu_eject(FakeQemu *qemu, const char *slot)
{
    eject(qemu, slot);
    fake_qemu_serve(qemu);
}

/* A function that the guest does not know goes at once; otherwise the guest lets go of the whole slot. */
static void delete (FakeQemu *qemu, const char *id)
{
    g_autofree char *slot = g_strndup(id, strrchr(id, '-') - id), *first = g_strconcat(slot, "-0", NULL);

    if (!g_hash_table_contains(qemu->devices, first))
        delete_device(qemu, id);
    else if (!qemu->keeps)
        eject(qemu, slot);
}

static void say_run(FakeQemu *qemu, const char *event, const char *status)
{
    g_autofree char *text = g_strdup_printf("{\"event\": \"%s\"}\n", event);

    qemu->status = status;
    say(qemu, text);
}

static void answer(FakeQemu *qemu, const char *command, struct json_object *arguments, int64_t id)
{
    g_autofree char *result = result_of(qemu, command, arguments);
    g_autofree char *reply = g_strdup_printf("{%s, \"id\": %" G_GINT64_FORMAT "}\n", result, id);

    say(qemu, reply);
    if (g_str_equal(command, "device_del"))
        delete (qemu, text_of(arguments, "id"));
    if (g_str_equal(command, "system_wakeup") && !qemu->stays && g_str_equal(qemu->status, "suspended"))
        say_run(qemu, "WAKEUP", "running");
    if (g_str_equal(command, "cont") && !qemu->stays && !g_str_equal(qemu->status, "running") &&
        !g_str_equal(qemu->status, "suspended")) {
        qemu->status = "running";
        say(qemu, "{\"event\": \"RESUME\"}\n");
    }
    if (g_str_equal(command, "stop") && g_str_equal(qemu->status, "running")) {
        qemu->status = "paused";
        say(qemu, "{\"event\": \"STOP\"}\n");
    }
}

void fake_qemu_run(FakeQemu *qemu, const char *event, const char *status)
{
    say_run(qemu, event, status);
    fake_qemu_serve(qemu);
}

void fake_qemu_shut_down(FakeQemu *qemu, const char *reason)
{
    g_autofree char *event = g_strdup_printf(
        "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"%s\"}}\n", reason);

    say(qemu, event);
    fake_qemu_serve(qemu);
}

void fake_qemu_end(FakeQemu *qemu, const char *reason)
{
    fake_qemu_shut_down(qemu, reason);
    fake_launcher_exit(qemu->rig->engine.launcher, "win10", &(LauncherExit){.known = true});
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
        struct json_object *object = json_tokener_parse(*line), *field, *arguments = NULL;
        if (!object)
            continue;
        ck_assert(json_object_object_get_ex(object, "execute", &field));
        const char *command = json_object_get_string(field);
        json_object_object_get_ex(object, "arguments", &arguments);
        bool names = g_str_has_prefix(command, "device_");
        g_string_append_printf(qemu->commands, "%s%s%s\n", command, names ? " " : "",
                               names ? text_of(arguments, "id") : "");
        ck_assert(json_object_object_get_ex(object, "id", &field));
        if (!qemu->mute)
            answer(qemu, command, arguments, json_object_get_int64(field));
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

void fake_qemu_break(FakeQemu *qemu)
{
    struct pollfd listener = {.fd = qemu->listen_fd, .events = POLLIN};

    qemu->qmp_fd = close_fd(qemu->qmp_fd);
    while (poll(&listener, 1, 0) == 0)
        ck_assert_int_gt(sd_event_run(qemu->rig->engine.event, G_USEC_PER_SEC), 0);
}

void fake_qemu_launch(FakeQemu *qemu, Guest *guest)
{
    fake_qemu_connect(qemu, guest);
    ck_assert(fake_qemu_take_over(qemu));
    fake_qemu_serve(qemu);
}
