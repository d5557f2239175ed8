/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-probe.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../host-services/clock.h"
#include "../launcher/spawn.h"
#include "facts-cache.h"
#include "qmp.h"

/* How many bytes of QEMU's stderr are reported if it gives up. */
#define WORDS_MAX 500
/* The room for it in bytes: its beginning is reported. */
#define WORDS_ROOM (64 * 1024)

/* One QEMU being asked. */
typedef struct Run {
    QemuProbe *probe;
    QemuBinary binary; /* as it was before the start */
    pid_t pid;         /* 0: none, or reaped */
    int pidfd;
    sd_event_source *exit; /* of pidfd */
    sd_event_source *deadline;
    Qmp *qmp;
    int words_fd;                 /* its stderr, in memory */
    char *version, *types, *vfio; /* replies */
    QemuFacts *facts;             /* of them; NULL until they are all here */
    const char *const *device;    /* of qemu_facts_devices: it is asked for */
} Run;

typedef struct Question {
    uint64_t number; /* rises */
    QemuProbed probed;
    void *userdata;
} Question;

struct QemuProbe {
    sd_event *event;
    char *path;
    int cache_dir_fd;
    bool cache_read;
    uint64_t deadline_usec;
    QemuFacts *facts;
    char *failure;     /* of the last run, in words; NULL: none */
    GArray *questions; /* of Question, the oldest first */
    uint64_t asked;    /* the number of the last one */
    Run *run;          /* NULL: none is being asked */
    GPtrArray *dying;  /* of Run, owned: killed, and not gone yet */
    unsigned telling;  /* callbacks under way, one in another */
    bool freed;        /* by one of them */
};

static void run_free(void *pointer)
{
    Run *run = pointer;

    if (!run)
        return;
    qmp_free(run->qmp);
    sd_event_source_disable_unref(run->deadline);
    sd_event_source_disable_unref(run->exit);
    if (run->pid > 0) {
        kill(-run->pid, SIGKILL);
        waitpid(run->pid, NULL, 0);
    }
    close_fd(run->pidfd);
    close_fd(run->words_fd);
    g_free(run->version);
    g_free(run->types);
    g_free(run->vfio);
    qemu_facts_free(run->facts);
    g_free(run);
    /* Its replies and what was read from them took most of a megabyte, which malloc() would keep for the next
     * QEMU to be asked: there may be none until the next boot. */
    malloc_trim(0);
}

QemuProbe *qemu_probe_new(sd_event *event, const char *path, int cache_dir_fd)
{
    QemuProbe *probe = g_new0(QemuProbe, 1);

    probe->event = sd_event_ref(event);
    probe->path = g_strdup(path);
    probe->cache_dir_fd = cache_dir_fd;
    probe->deadline_usec = QEMU_PROBE_DEADLINE_USEC;
    probe->questions = g_array_new(FALSE, FALSE, sizeof(Question));
    probe->dying = g_ptr_array_new_with_free_func(run_free);
    return probe;
}

QemuProbe *qemu_probe_free(QemuProbe *probe)
{
    if (!probe)
        return NULL;
    probe->freed = true;
    if (probe->telling > 0)
        return NULL;
    run_free(probe->run);
    g_ptr_array_unref(probe->dying);
    g_array_unref(probe->questions);
    qemu_facts_free(probe->facts);
    g_free(probe->failure);
    g_free(probe->path);
    sd_event_unref(probe->event);
    g_free(probe);
    return NULL;
}

void qemu_probe_set_deadline(QemuProbe *probe, uint64_t usec)
{
    probe->deadline_usec = usec;
}

const QemuFacts *qemu_probe_known(QemuProbe *probe)
{
    QemuBinary now;

    if (!probe->facts && !probe->cache_read) {
        probe->cache_read = true;
        probe->facts = facts_cache_read(probe->cache_dir_fd, probe->path);
    }
    if (qemu_binary_look(probe->path, &now) < 0 || !probe->facts ||
        !qemu_facts_fit(probe->facts, probe->path, &now))
        return NULL;
    return probe->facts;
}

const char *qemu_probe_failure(const QemuProbe *probe)
{
    return probe->failure;
}

/* Answers everybody who has asked so far. Callbacks may ask again, forget any question, or free the probe. */
static void tell(QemuProbe *probe, const QemuFacts *facts, const char *message)
{
    uint64_t last = probe->asked;

    probe->telling++;
    while (!probe->freed && probe->questions->len > 0) {
        Question question = g_array_index(probe->questions, Question, 0);
        if (question.number > last)
            break;
        g_array_remove_index(probe->questions, 0);
        question.probed(facts, message, question.userdata);
    }
    if (--probe->telling == 0 && probe->freed)
        qemu_probe_free(probe);
}

/* The run is over, well or not; its process is killed, and freed when it has ended. */
static void finish(Run *run, QemuFacts *facts, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void finish(Run *run, QemuFacts *facts, const char *format, ...)
{
    QemuProbe *probe = run->probe;
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    probe->run = NULL;
    run->qmp = qmp_free(run->qmp);
    run->deadline = sd_event_source_disable_unref(run->deadline);
    if (run->pid > 0) {
        kill(-run->pid, SIGKILL);
        g_ptr_array_add(probe->dying, run);
    } else {
        run_free(run);
    }
    if (facts) {
        qemu_facts_free(probe->facts);
        probe->facts = facts;
        facts_cache_write(probe->cache_dir_fd, facts);
    }
    g_free(probe->failure);
    probe->failure = facts ? NULL : g_steal_pointer(&message);
    g_autofree char *told = g_strdup(probe->failure);
    tell(probe, facts, told);
}

/* What it said on stderr, as one line. */
static char *last_words(const Run *run)
{
    char bytes[WORDS_MAX];
    ssize_t n = pread(run->words_fd, bytes, sizeof(bytes), 0);
    g_autofree char *text = g_utf8_make_valid(bytes, strnlen(bytes, MAX(n, 0)));

    g_strdelimit(text, "\r\n\t", ' ');
    return g_strdup(g_strstrip(text));
}

static int on_exit_seen(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Run *run = userdata;
    QemuProbe *probe = run->probe;
    siginfo_t si = {};

    if (waitid(P_PIDFD, run->pidfd, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
        return 0;
    run->pid = 0;
    if (probe->run != run) {
        g_ptr_array_remove_fast(probe->dying, run);
        return 0;
    }
    g_autofree char *words = last_words(run);
    const char *how = si.si_code == CLD_EXITED ? "ended with status" : "was killed by signal";

    finish(run, NULL, "%s: %s %d%s%s", probe->path, how, si.si_status, *words ? ": " : "", words);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    Run *run = userdata;

    finish(run, NULL, "%s: did not answer within %.3g s", run->probe->path,
           (double)run->probe->deadline_usec / G_USEC_PER_SEC);
    return 0;
}

/* The whole reply in the form that core takes. */
static char *reply_text(struct json_object *result)
{
    return g_strdup_printf("{\"return\":%s}", json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
}

static bool reply_taken(Run *run, int error, const char *message, struct json_object *result, char **ret)
{
    /* If the connection ends, the end of the process or the deadline explains it. */
    if (error == -EREMOTEIO)
        finish(run, NULL, "%s: %s", run->probe->path, message);
    if (error < 0)
        return false;
    *ret = reply_text(result);
    return true;
}

static void ask(Run *run, const char *command, const char *name, const char *value, QmpReply reply)
{
    struct json_object *arguments = NULL;
    int r;

    if (name) {
        arguments = json_object_new_object();
        json_object_object_add(arguments, name, json_object_new_string(value));
    }
    r = qmp_command(run->qmp, command, arguments, 0, reply, run);
    if (r < 0)
        finish(run, NULL, "%s: cannot ask it: %s", run->probe->path, strerror(-r));
}

/* "Device not found" is an answer. */
static bool properties_taken(Run *run, int error, const char *message, struct json_object *result, char **ret)
{
    return error == -EREMOTEIO || reply_taken(run, error, message, result, ret);
}

static void ask_next_device(Run *run);

static void on_device(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    g_autofree char *properties = NULL;
    Run *run = userdata;

    /* Of a device that it cannot make, such as one of a module that is not installed, nothing is known. */
    if (!properties_taken(run, error, message, result, &properties))
        return;
    if (properties && qemu_facts_add_device(run->facts, *run->device, properties) < 0) {
        finish(run, NULL, "%s: what it says of %s makes no sense", run->probe->path, *run->device);
        return;
    }
    run->device++;
    ask_next_device(run);
}

static void ask_next_device(Run *run)
{
    while (*run->device && !qemu_facts_have_type(run->facts, *run->device))
        run->device++;
    if (*run->device)
        ask(run, "device-list-properties", "typename", *run->device, on_device);
    else
        finish(run, g_steal_pointer(&run->facts), "%s", "");
}

static void on_cpu(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Run *run = userdata;
    g_autofree char *cpu = NULL;
    int r;

    if (!properties_taken(run, error, message, result, &cpu))
        return;
    r = qemu_facts_from_replies(run->probe->path, &run->binary, run->version, run->types, run->vfio, cpu,
                                &run->facts);
    if (r < 0) {
        finish(run, NULL, "%s: its answers make no sense (%s)", run->probe->path, strerror(-r));
        return;
    }
    run->device = qemu_facts_devices;
    ask_next_device(run);
}

static void on_vfio(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Run *run = userdata;

    if (properties_taken(run, error, message, result, &run->vfio))
        ask(run, "device-list-properties", "typename", QEMU_FACTS_CPU, on_cpu);
}

static void on_types(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Run *run = userdata;

    if (reply_taken(run, error, message, result, &run->types))
        ask(run, "device-list-properties", "typename", "vfio-pci", on_vfio);
}

static void on_version(Qmp *qmp, int error, const char *message, struct json_object *result, void *userdata)
{
    Run *run = userdata;

    if (reply_taken(run, error, message, result, &run->version))
        ask(run, "qom-list-types", NULL, NULL, on_types);
}

static void on_ready(Qmp *qmp, void *userdata)
{
    ask(userdata, "query-version", NULL, NULL, on_version);
}

static void on_closed(Qmp *qmp, int error, void *userdata)
{
    Run *run = userdata;

    run->qmp = qmp_free(qmp);
    if (error == -EBADMSG)
        finish(run, NULL, "%s: what it says is not QMP: is it QEMU?", run->probe->path);
}

static int spawn_qemu(const char *path, int qmp_fd, int words_fd, pid_t *ret)
{
    static const char *const options[] = {
        "-no-user-config",
        "-nodefaults",
        "-display",
        "none",
        "-machine",
        "none",
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-chardev",
        "socket,id=qmp,fd=3",
        "-qmp",
        "chardev:qmp",
        NULL};
    const char *argv[G_N_ELEMENTS(options) + 1] = {path};

    memcpy(argv + 1, options, sizeof(options));
    return spawn(argv, words_fd, qmp_fd, ret);
}

/* Watches a pidfd, which cannot come to mean another process. sd-event's child sources would want SIGCHLD to
 * be blocked. */
static int watch(Run *run)
{
    run->pidfd = pidfd_open(run->pid, 0);
    if (run->pidfd < 0)
        return -errno;
    return sd_event_add_io(run->probe->event, &run->exit, run->pidfd, EPOLLIN, on_exit_seen, run);
}

static int start(Run *run)
{
    static const QmpHandler handler = {.ready = on_ready, .closed = on_closed};
    _cleanup_close_ int ours = -1, theirs = -1;
    int pair[2], r = qemu_binary_look(run->probe->path, &run->binary);

    if (r < 0)
        return r;
    run->words_fd = spawn_output(WORDS_ROOM);
    if (run->words_fd < 0)
        return run->words_fd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    ours = pair[0];
    theirs = pair[1];
    r = spawn_qemu(run->probe->path, theirs, run->words_fd, &run->pid);
    if (r >= 0)
        r = watch(run);
    if (r >= 0)
        r = qmp_adopt(run->probe->event, steal_fd(&ours), &handler, run, &run->qmp);
    if (r >= 0)
        r = clock_after(run->probe->event, run->probe->deadline_usec, on_deadline, run, &run->deadline);
    return r;
}

void qemu_probe_get(QemuProbe *probe, QemuProbed probed, void *userdata)
{
    const QemuFacts *facts = qemu_probe_known(probe);
    Question question = {probe->asked + 1, probed, userdata};
    int r;

    if (facts) {
        probed(facts, NULL, userdata);
        return;
    }
    probe->asked++;
    g_array_append_val(probe->questions, question);
    if (probe->run)
        return;
    probe->run = g_new0(Run, 1);
    *probe->run = (Run){.probe = probe, .pidfd = -1, .words_fd = -1};
    r = start(probe->run);
    if (r < 0)
        finish(probe->run, NULL, "%s: %s", probe->path, strerror(-r));
}

void qemu_probe_forget(QemuProbe *probe, const void *userdata)
{
    for (unsigned i = probe->questions->len; i > 0; i--)
        if (g_array_index(probe->questions, Question, i - 1).userdata == userdata)
            g_array_remove_index(probe->questions, i - 1);
}
