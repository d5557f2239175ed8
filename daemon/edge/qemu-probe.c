/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/cleanup.h"
#include "../base/file.h"
#include "clock.h"
#include "qemu-probe.h"
#include "qmp.h"

#define CACHE_FILE "qemu-facts"
#define CACHE_MAX (1024 * 1024)
#define DEADLINE_USEC (20 * G_USEC_PER_SEC)
#define CHILD_FD 3

typedef struct Question {
    QemuProbed probed;
    void *userdata;
} Question;

struct QemuProbe {
    sd_event *event;
    char *path;
    int cache_fd;
    QemuFacts *facts;
    GArray *questions; /* of Question: who waits for the answer */

    pid_t pid; /* 0: no QEMU is being asked */
    sd_event_source *child;
    sd_event_source *deadline;
    Qmp *qmp;
    struct stat binary; /* as it was when it was started */
    char *version, *types, *properties;
    char *trouble; /* why there will be no facts */
};

static uint64_t mtime_nsec(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool facts_are_of(const QemuFacts *facts, const char *path, const struct stat *st)
{
    return facts && g_str_equal(facts->path, path) && facts->inode == st->st_ino &&
           facts->size == (uint64_t)st->st_size && facts->mtime_nsec == mtime_nsec(st);
}

static void load_cache(QemuProbe *probe)
{
    g_autofree char *text = NULL;

    /* Whatever is wrong with the cache: asking again puts it right. */
    if (probe->cache_fd >= 0 && file_read_all_at(probe->cache_fd, CACHE_FILE, CACHE_MAX, &text, NULL) >= 0 &&
        qemu_facts_from_text(text, &probe->facts) < 0)
        probe->facts = NULL;
}

QemuProbe *qemu_probe_new(sd_event *event, const char *path, int cache_dir_fd)
{
    QemuProbe *probe = g_new0(QemuProbe, 1);

    probe->event = event;
    probe->path = g_strdup(path);
    probe->cache_fd = cache_dir_fd;
    probe->questions = g_array_new(FALSE, FALSE, sizeof(Question));
    load_cache(probe);
    return probe;
}

/* Ends the child, if there is one, and waits for it: SIGKILL leaves it no time. */
static void end_child(QemuProbe *probe)
{
    probe->qmp = qmp_free(probe->qmp);
    probe->deadline = sd_event_source_disable_unref(probe->deadline);
    if (probe->pid > 0) {
        kill(probe->pid, SIGKILL);
        waitpid(probe->pid, NULL, 0);
    }
    probe->child = sd_event_source_disable_unref(probe->child);
    probe->pid = 0;
}

QemuProbe *qemu_probe_free(QemuProbe *probe)
{
    if (!probe)
        return NULL;
    end_child(probe);
    qemu_facts_free(probe->facts);
    g_array_free(probe->questions, TRUE);
    g_free(probe->version);
    g_free(probe->types);
    g_free(probe->properties);
    g_free(probe->trouble);
    g_free(probe->path);
    g_free(probe);
    return NULL;
}

const QemuFacts *qemu_probe_known(QemuProbe *probe)
{
    struct stat st;

    if (stat(probe->path, &st) < 0 || !facts_are_of(probe->facts, probe->path, &st))
        return NULL;
    return probe->facts;
}

static void answer_all(QemuProbe *probe, const char *message)
{
    g_autoptr(GArray) questions = probe->questions;

    probe->questions = g_array_new(FALSE, FALSE, sizeof(Question));
    for (unsigned i = 0; i < questions->len; i++) {
        const Question *question = &g_array_index(questions, Question, i);
        question->probed(message ? NULL : probe->facts, message, question->userdata);
    }
}

/* The child is gone: what it said until then is all there is. */
static void conclude(QemuProbe *probe)
{
    g_autofree char *trouble = g_steal_pointer(&probe->trouble);
    QemuFacts *facts;

    end_child(probe);
    if (!trouble && (!probe->version || !probe->types))
        trouble = g_strdup_printf("%s ended before it had answered", probe->path);
    if (!trouble && qemu_facts_from_replies(probe->path, probe->binary.st_ino, probe->binary.st_size,
                                            mtime_nsec(&probe->binary), probe->version, probe->types,
                                            probe->properties, &facts) < 0)
        trouble = g_strdup_printf("%s answered with something else than QEMU does", probe->path);
    if (!trouble) {
        qemu_facts_free(probe->facts);
        probe->facts = facts;
        g_autofree char *text = qemu_facts_to_text(facts);
        /* Without a cache it is asked again after the next restart, no more. */
        if (probe->cache_fd >= 0)
            file_replace_at(probe->cache_fd, CACHE_FILE, text, 0644);
    }
    answer_all(probe, trouble);
}

static void keep(char **field, struct json_object *result)
{
    struct json_object *reply = json_object_new_object();

    json_object_object_add(reply, "return", json_object_get(result));
    g_free(*field);
    *field = g_strdup(json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
    json_object_put(reply);
}

static void on_version(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    QemuProbe *probe = userdata;

    if (error == 0)
        keep(&probe->version, result);
}

static void on_types(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    QemuProbe *probe = userdata;

    if (error == 0)
        keep(&probe->types, result);
}

/* An error says that there is no such device, which is an answer. */
static void on_properties(Qmp *qmp, int error, const char *message, struct json_object *result,
                          void *userdata)
{
    QemuProbe *probe = userdata;

    if (error == 0)
        keep(&probe->properties, result);
}

static void on_ready(Qmp *qmp, void *userdata)
{
    struct json_object *devices = json_object_new_object(), *vfio = json_object_new_object();

    json_object_object_add(devices, "implements", json_object_new_string("device"));
    json_object_object_add(vfio, "typename", json_object_new_string("vfio-pci"));
    qmp_command(qmp, "query-version", NULL, 0, on_version, userdata);
    qmp_command(qmp, "qom-list-types", devices, 0, on_types, userdata);
    qmp_command(qmp, "device-list-properties", vfio, 0, on_properties, userdata);
    qmp_command(qmp, "quit", NULL, 0, NULL, NULL);
}

static void on_closed(Qmp *qmp, int error, void *userdata)
{
    QemuProbe *probe = userdata;

    probe->qmp = qmp_free(qmp);
    if (probe->pid == 0)
        conclude(probe);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
    QemuProbe *probe = userdata;

    /* The event source reaps it. Answers may be unread in the socket: the end of the connection comes after
     * them. */
    probe->pid = 0;
    probe->child = sd_event_source_disable_unref(probe->child);
    if (!probe->qmp)
        conclude(probe);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    QemuProbe *probe = userdata;

    probe->trouble = g_strdup_printf("%s did not answer within 20 s", probe->path);
    conclude(probe);
    return 0;
}

/* Starts QEMU with its end of a socketpair as descriptor 3 and nothing else of ours. */
static int spawn(QemuProbe *probe, int fd)
{
    char *argv[] = {probe->path,
                    (char *)"-machine",
                    (char *)"none",
                    (char *)"-nodefaults",
                    (char *)"-no-user-config",
                    (char *)"-display",
                    (char *)"none",
                    (char *)"-chardev",
                    (char *)"socket,id=qmp,fd=3",
                    (char *)"-mon",
                    (char *)"chardev=qmp,mode=control",
                    NULL};
    char *environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int r = -posix_spawn(&probe->pid, probe->path, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (r < 0)
        probe->pid = 0;
    return r;
}

static int ask(QemuProbe *probe)
{
    static const QmpHandler handler = {on_ready, NULL, on_closed};
    int pair[2];

    if (stat(probe->path, &probe->binary) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    _cleanup_close_ int ours = pair[0], theirs = pair[1];

    /* adddup2 of a descriptor onto itself would leave it to be closed on exec. */
    if (theirs == CHILD_FD) {
        theirs = fcntl(CHILD_FD, F_DUPFD_CLOEXEC, CHILD_FD + 1);
        close_fd(CHILD_FD);
        if (theirs < 0)
            return -errno;
    }
    int r = spawn(probe, theirs);
    if (r >= 0)
        r = sd_event_add_child(probe->event, &probe->child, probe->pid, WEXITED, on_child, probe);
    if (r >= 0)
        r = clock_after(probe->event, DEADLINE_USEC, on_deadline, probe, &probe->deadline);
    if (r >= 0)
        r = qmp_adopt(probe->event, steal_fd(&ours), &handler, probe, &probe->qmp);
    if (r < 0)
        end_child(probe);
    return r;
}

void qemu_probe_get(QemuProbe *probe, QemuProbed probed, void *userdata)
{
    const Question question = {probed, userdata};
    const QemuFacts *known = qemu_probe_known(probe);

    if (known) {
        probed(known, NULL, userdata);
        return;
    }
    g_array_append_val(probe->questions, question);
    if (probe->pid > 0 || probe->qmp)
        return;
    g_clear_pointer(&probe->version, g_free);
    g_clear_pointer(&probe->types, g_free);
    g_clear_pointer(&probe->properties, g_free);
    int r = ask(probe);
    if (r < 0) {
        g_autofree char *message = g_strdup_printf("%s: %s", probe->path, g_strerror(-r));
        answer_all(probe, message);
    }
}
