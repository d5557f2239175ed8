/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real QEMU, started from a QemuCommand as the daemon starts it: files by descriptor, nothing else
 * inherited. */
#pragma once

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../daemon/core/qemu/qmp-message.h"
#include "a-command.h"

/* QEMU must say something within this time, even if other tests keep the machine busy. */
#define QEMU_DEADLINE_MSEC (100 * 1000)

/* Writes what a disk or kernel is to hold, for a file of the definition. */
typedef void (*QemuFill)(const QemuFile *file, const char *path);

typedef struct Qemu {
    char *dir;
    char *log_path, *words_path;
    pid_t pid;
    int qmp, console;
    int n_files;
    GArray *companions; /* of pid_t */
    GArray *listeners;  /* of int, by companion */
    QmpReader *reader;
    uint64_t last_id;
    GString *events;    /* their names, each with a blank after it */
    const char *link;   /* the one that was opened last, as the command names it, */
    char tap[IFNAMSIZ]; /* and the tap that stands in for it */
} Qemu;

static inline char *qemu_path(const Qemu *qemu, const char *name, int number)
{
    return g_strdup_printf("%s/%s-%d", qemu->dir, name, number);
}

/* A listening socket, and what connects to it. */
static inline int qemu_socket(const char *path, int *ret_client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    *ret_client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(connect(*ret_client, (struct sockaddr *)&address, sizeof(address)), 0);
    return listener;
}

/* A tap device that goes with its descriptors; the kernel picks its name. Each time that the same link
 * follows, it is one queue more. */
static inline int qemu_open_tap(Qemu *qemu, const char *link)
{
    bool more = g_strcmp0(link, qemu->link) == 0;
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
    g_strlcpy(request.ifr_name, more ? qemu->tap : "ush-test%d", IFNAMSIZ);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    ck_assert_msg(ioctl(fd, TUNSETIFF, &request) == 0, "cannot make a tap device: %m");
    qemu->link = link;
    g_strlcpy(qemu->tap, request.ifr_name, IFNAMSIZ);
    return fd;
}

static inline int qemu_open_file(Qemu *qemu, const QemuFile *file, QemuFill fill)
{
    g_autofree char *path = qemu_path(qemu, "file", qemu->n_files++);

    switch (file->kind) {
    case QEMU_FILE_QMP:
        return qemu_socket(path, &qemu->qmp);
    case QEMU_FILE_CONSOLE:
        return qemu_socket(path, &qemu->console);
    case QEMU_FILE_AGENT: {
        /* Nobody asks one. */
        int client, listener = qemu_socket(path, &client);
        close(client);
        return listener;
    }
    case QEMU_FILE_CONSOLE_LOG:
        qemu->log_path = g_steal_pointer(&path);
        return open(qemu->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    case QEMU_FILE_LINK:
        return qemu_open_tap(qemu, file->path);
    case QEMU_FILE_COMPANION: {
        int connected, listener = qemu_socket(path, &connected);
        ck_assert_uint_eq(file->companion, qemu->listeners->len);
        g_array_append_val(qemu->listeners, listener);
        return connected;
    }
    case QEMU_FILE_QEMU:
        return g_array_index(qemu->listeners, int, file->companion);
    default:
        fill(file, path);
        return open(path, (file->read_only || file->kind == QEMU_FILE_FOLDER ? O_RDONLY : O_RDWR) |
                              (file->direct ? O_DIRECT : 0) | O_CLOEXEC);
    }
}

/* Starts a program with its files at the numbers that its arguments use, and no others. words: the file for
 * its standard error; NULL: the test's. */
static inline pid_t qemu_spawn(Qemu *qemu, char *const *argv, const GArray *files, QemuFill fill,
                               const char *words)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    for (unsigned i = 0; i < files->len; i++) {
        const QemuFile *file = &g_array_index(files, QemuFile, i);
        int low = qemu_open_file(qemu, file, fill);
        /* Moves it away from the numbers that the files will have. */
        int high = fcntl(low, F_DUPFD_CLOEXEC, 200);
        ck_assert_int_ge(high, 0);
        close(low);
        posix_spawn_file_actions_adddup2(&actions, high, file->fd);
    }
    if (words)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, words, O_WRONLY | O_APPEND | O_CREAT, 0600);
    posix_spawn_file_actions_addclosefrom_np(&actions, QEMU_FD_FIRST + files->len);
    ck_assert_int_eq(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (unsigned i = 0; i < files->len; i++)
        close(200 + i);
    return pid;
}

static inline void qemu_start_companions(Qemu *qemu, const QemuCommand *command, QemuFill fill)
{
    for (unsigned i = 0; i < command->companions->len; i++) {
        const QemuCompanion *companion = g_ptr_array_index(command->companions, i);
        if (companion->state_folder)
            ck_assert_int_eq(g_mkdir_with_parents(companion->state_folder, 0700), 0);
        pid_t pid = qemu_spawn(qemu, (char *const *)companion->argv->pdata, companion->files, fill, NULL);
        g_array_append_val(qemu->companions, pid);
    }
}

/* more: arguments to add, NULL-terminated, or NULL. */
static inline Qemu *qemu_start(const QemuCommand *command, QemuFill fill, const char *const *more)
{
    Qemu *qemu = g_new0(Qemu, 1);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    qemu->dir = g_dir_make_tmp("usher-qemu-XXXXXX", NULL);
    qemu->reader = qmp_reader_new();
    qemu->events = g_string_new(NULL);
    qemu->companions = g_array_new(FALSE, FALSE, sizeof(pid_t));
    qemu->listeners = g_array_new(FALSE, FALSE, sizeof(int));
    for (unsigned i = 0; i + 1 < command->argv->len; i++)
        g_ptr_array_add(argv, g_ptr_array_index(command->argv, i));
    for (; more && *more; more++)
        g_ptr_array_add(argv, (char *)*more);
    g_ptr_array_add(argv, NULL);
    qemu->words_path = g_build_filename(qemu->dir, "words", NULL);
    qemu->pid = qemu_spawn(qemu, (char *const *)argv->pdata, command->files, fill, qemu->words_path);
    qemu_start_companions(qemu, command, fill);
    return qemu;
}

/* The next message, or NULL at the end of the stream. */
static inline QmpMessage *qemu_next(Qemu *qemu)
{
    QmpMessage *message = NULL;
    char bytes[4096];
    int r;

    while ((r = qmp_reader_next(qemu->reader, &message)) == 0) {
        struct pollfd waiting = {qemu->qmp, POLLIN};
        ck_assert_msg(poll(&waiting, 1, QEMU_DEADLINE_MSEC) == 1, "QEMU says nothing");
        ssize_t n = read(qemu->qmp, bytes, sizeof(bytes));
        if (n <= 0)
            return NULL;
        ck_assert_int_eq(qmp_reader_feed(qemu->reader, bytes, n), 0);
    }
    ck_assert_int_eq(r, 1);
    if (message->kind == QMP_EVENT)
        g_string_append_printf(qemu->events, "%s ", message->name);
    return message;
}

/* The answer to a command, which must be of the wanted kind. The arguments are consumed. */
static inline QmpMessage *qemu_command(Qemu *qemu, const char *command, struct json_object *arguments,
                                       QmpKind wanted)
{
    g_autofree char *text = qmp_command_to_text(command, arguments, ++qemu->last_id);
    QmpKind other = wanted == QMP_REPLY ? QMP_ERROR : QMP_REPLY;

    json_object_put(arguments);
    ck_assert_int_eq(write(qemu->qmp, text, strlen(text)), strlen(text));
    for (;;) {
        g_autoptr(QmpMessage) message = qemu_next(qemu);
        ck_assert_msg(message != NULL, "QEMU ended before it answered %s", command);
        ck_assert_msg(message->kind != other, "%s: %s", command, message->text ?: "it was taken");
        if (message->kind == wanted && message->id == qemu->last_id)
            return g_steal_pointer(&message);
    }
}

/* The result of a command, which must not be refused; the caller puts it. The arguments are consumed. */
static inline struct json_object *qemu_ask(Qemu *qemu, const char *command, struct json_object *arguments)
{
    g_autoptr(QmpMessage) reply = qemu_command(qemu, command, arguments, QMP_REPLY);
    return json_object_get(reply->data);
}

/* What QEMU says to a command that it refuses; the caller frees it. The arguments are consumed. */
static inline char *qemu_refusal(Qemu *qemu, const char *command, struct json_object *arguments)
{
    g_autoptr(QmpMessage) refusal = qemu_command(qemu, command, arguments, QMP_ERROR);
    return g_strdup(refusal->text);
}

/* A property of an object in QEMU's tree. */
static inline struct json_object *qemu_get(Qemu *qemu, const char *path, const char *property)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "path", json_object_new_string(path));
    json_object_object_add(arguments, "property", json_object_new_string(property));
    return qemu_ask(qemu, "qom-get", arguments);
}

static inline void qemu_do(Qemu *qemu, const char *command)
{
    json_object_put(qemu_ask(qemu, command, NULL));
}

/* What it has said on its standard error; the caller frees it. */
static inline char *qemu_words(const Qemu *qemu)
{
    char *words = NULL;

    ck_assert(g_file_get_contents(qemu->words_path, &words, NULL, NULL));
    return words;
}

static inline void qemu_negotiate(Qemu *qemu)
{
    g_autoptr(QmpMessage) greeting = qemu_next(qemu);
    g_autofree char *words = qemu_words(qemu);
    ck_assert_msg(greeting && greeting->kind == QMP_GREETING, "QEMU did not take its arguments: %s", words);
    qemu_do(qemu, "qmp_capabilities");
}

/* Reads the serial console up to text, and returns all of it. */
static inline char *qemu_read_console(Qemu *qemu, const char *text)
{
    GString *seen = g_string_new(NULL);
    char byte;

    while (!strstr(seen->str, text)) {
        struct pollfd waiting = {qemu->console, POLLIN};
        ck_assert_msg(poll(&waiting, 1, QEMU_DEADLINE_MSEC) == 1, "the guest did not say %s, but %s", text,
                      seen->str);
        ck_assert_int_eq(read(qemu->console, &byte, 1), 1);
        g_string_append_c(seen, byte);
    }
    return g_string_free(seen, FALSE);
}

/* Waits for the end; returns the exit status, and frees everything. *ret_events are the names of the events
 * that came. */
static inline int qemu_end(Qemu *qemu, char **ret_events)
{
    QmpMessage *message;
    int status;

    while ((message = qemu_next(qemu)))
        qmp_message_free(message);
    ck_assert_int_eq(waitpid(qemu->pid, &status, 0), qemu->pid);
    ck_assert(WIFEXITED(status));
    for (unsigned i = 0; i < qemu->companions->len; i++)
        ck_assert_int_gt(waitpid(g_array_index(qemu->companions, pid_t, i), NULL, 0), 0);
    g_array_unref(qemu->companions);
    g_array_unref(qemu->listeners);
    close(qemu->qmp);
    close(qemu->console);
    g_autofree char *remove = g_strdup_printf("rm -rf '%s'", qemu->dir);
    ck_assert_int_eq(system(remove), 0);
    qmp_reader_free(qemu->reader);
    char *events = g_string_free(qemu->events, FALSE);
    if (ret_events)
        *ret_events = events;
    else
        g_free(events);
    g_free(qemu->log_path);
    g_free(qemu->words_path);
    g_free(qemu->dir);
    g_free(qemu);
    return WEXITSTATUS(status);
}
