/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtiofsd-probe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../base/log.h"
#include "../host-services/clock.h"
#include "../launcher/spawn.h"
#include "config.h"
#include "../../base/descriptor-list.h"

/* Its help takes 10 KiB in version 1.13. */
#define ANSWER_ROOM (64 * 1024)

static const char *const descriptor_folders[] = {"/etc/qemu/vhost-user", USHER_QEMU_DATADIR "/vhost-user",
                                                 NULL};
/* Debian's and Fedora's, Arch's, QEMU's own. */
static const char *const program_paths[] = {"/usr/libexec/virtiofsd", "/usr/lib/virtiofsd",
                                            "/usr/lib/qemu/virtiofsd", "/usr/libexec/qemu/virtiofsd", NULL};
const VirtiofsdPlaces virtiofsd_places = {descriptor_folders, program_paths};

typedef enum QuestionKind {
    QUESTION_CAPABILITIES,
    QUESTION_HELP,
    QUESTION_MAX,
} QuestionKind;

/* One of the two questions, which are asked at the same time. */
typedef struct Question {
    VirtiofsdProbe *probe;
    pid_t pid; /* 0: not asked, or answered */
    int pidfd, output;
    sd_event_source *exit; /* of pidfd */
} Question;

struct VirtiofsdProbe {
    sd_event *event;
    const VirtiofsdPlaces *places;
    char *path;         /* NULL: there is none */
    struct stat binary; /* as it was when it was asked */
    Virtiofsd *known;   /* NULL: none, or it has not answered yet */
    Question questions[QUESTION_MAX];
    sd_event_source *deadline;
};

/* Finding it. */

static bool take_described(const char *path, const char *text, size_t size, void *userdata)
{
    char **ret = userdata, *program = virtiofsd_described(text, size);

    if (program && access(program, X_OK) >= 0)
        *ret = program;
    else
        g_free(program);
    return *ret != NULL;
}

/* NULL: there is none. The caller frees it. */
static char *find(const VirtiofsdPlaces *places)
{
    char *path = NULL;

    if (*USHER_VIRTIOFSD)
        return access(USHER_VIRTIOFSD, X_OK) >= 0 ? g_strdup(USHER_VIRTIOFSD) : NULL;
    descriptor_list(places->descriptors, take_described, &path);
    for (const char *const *program = places->programs; !path && *program; program++)
        if (access(*program, X_OK) >= 0)
            path = g_strdup(*program);
    return path;
}

/* Asking it. */

static bool is_asked(const VirtiofsdProbe *probe)
{
    return probe->deadline != NULL;
}

static void drop_question(Question *question)
{
    question->exit = sd_event_source_disable_unref(question->exit);
    if (question->pid > 0) {
        kill(-question->pid, SIGKILL);
        waitpid(question->pid, NULL, 0);
    }
    question->pid = 0;
    question->pidfd = close_fd(question->pidfd);
    question->output = close_fd(question->output);
}

static void drop_questions(VirtiofsdProbe *probe)
{
    for (unsigned i = 0; i < QUESTION_MAX; i++)
        drop_question(&probe->questions[i]);
    probe->deadline = sd_event_source_disable_unref(probe->deadline);
}

/* NULL: it said nothing. The caller frees it. */
static char *read_answer(const Question *question)
{
    g_autofree char *bytes = g_malloc0(ANSWER_ROOM + 1);

    return pread(question->output, bytes, ANSWER_ROOM, 0) > 0 && *bytes ? g_steal_pointer(&bytes) : NULL;
}

static void answered(VirtiofsdProbe *probe)
{
    g_autofree char *capabilities = read_answer(&probe->questions[QUESTION_CAPABILITIES]),
                    *help = read_answer(&probe->questions[QUESTION_HELP]);

    drop_questions(probe);
    probe->known = virtiofsd_from_answers(probe->path, capabilities, help);
    if (!probe->known->usable)
        log_warning("%s does not have what shares need; they are shared by 9p", probe->path);
}

static int on_exit_seen(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Question *question = userdata;
    VirtiofsdProbe *probe = question->probe;
    siginfo_t si = {};

    if (waitid(P_PIDFD, question->pidfd, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
        return 0;
    question->pid = 0;
    question->exit = sd_event_source_disable_unref(question->exit);
    for (unsigned i = 0; i < QUESTION_MAX; i++)
        if (probe->questions[i].pid > 0)
            return 0;
    answered(probe);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    answered(userdata);
    return 0;
}

static int ask(VirtiofsdProbe *probe, QuestionKind kind, const char *option)
{
    Question *question = &probe->questions[kind];
    const char *argv[] = {probe->path, option, NULL};

    question->output = spawn_output(ANSWER_ROOM);
    if (question->output < 0)
        return question->output;
    int r = spawn(argv, question->output, -1, &question->pid);
    if (r < 0)
        return r;
    question->pidfd = pidfd_open(question->pid, 0);
    if (question->pidfd < 0)
        return -errno;
    return sd_event_add_io(probe->event, &question->exit, question->pidfd, EPOLLIN, on_exit_seen, question);
}

static void ask_all(VirtiofsdProbe *probe)
{
    int r = clock_after(probe->event, VIRTIOFSD_PROBE_DEADLINE_USEC, on_deadline, probe, &probe->deadline);

    if (r >= 0)
        r = ask(probe, QUESTION_CAPABILITIES, VIRTIOFSD_ASK_CAPABILITIES);
    if (r >= 0)
        r = ask(probe, QUESTION_HELP, VIRTIOFSD_ASK_HELP);
    if (r >= 0)
        return;
    log_warning("cannot ask %s what it can do: %s", probe->path, strerror(-r));
    answered(probe);
}

static void look(VirtiofsdProbe *probe)
{
    g_autofree char *path = find(probe->places);
    struct stat binary = {};

    if (path && stat(path, &binary) < 0)
        g_clear_pointer(&path, g_free);
    if (g_strcmp0(path, probe->path) == 0 && file_is_same(&binary, &probe->binary))
        return;
    drop_questions(probe);
    probe->known = virtiofsd_free(probe->known);
    g_free(probe->path);
    probe->path = g_steal_pointer(&path);
    probe->binary = binary;
    if (probe->path)
        ask_all(probe);
}

VirtiofsdProbe *virtiofsd_probe_new(sd_event *event, const VirtiofsdPlaces *places)
{
    VirtiofsdProbe *probe = g_new0(VirtiofsdProbe, 1);

    probe->event = sd_event_ref(event);
    probe->places = places;
    for (unsigned i = 0; i < QUESTION_MAX; i++)
        probe->questions[i] = (Question){.probe = probe, .pidfd = -1, .output = -1};
    return probe;
}

DEFINE_FREE(VirtiofsdProbe, virtiofsd_probe_free, probe)
{
    drop_questions(probe);
    virtiofsd_free(probe->known);
    g_free(probe->path);
    sd_event_unref(probe->event);
}

int virtiofsd_probe_settle(VirtiofsdProbe *probe)
{
    look(probe);
    while (is_asked(probe)) {
        int r = sd_event_run(probe->event, UINT64_MAX);
        if (r < 0)
            return r;
    }
    return 0;
}

const Virtiofsd *virtiofsd_probe_known(VirtiofsdProbe *probe, bool *ret_asked)
{
    if (probe)
        look(probe);
    *ret_asked = probe && is_asked(probe);
    return probe ? probe->known : NULL;
}
