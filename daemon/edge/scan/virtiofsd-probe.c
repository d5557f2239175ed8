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
/* How many are asked at most, one after the other. */
#define CANDIDATES_MAX 8

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

/* One that there is, as it was when it was found. */
typedef struct Candidate {
    char *path;
    struct stat binary;
} Candidate;

struct VirtiofsdProbe {
    sd_event *event;
    const VirtiofsdPlaces *places;
    GPtrArray *candidates; /* of Candidate, the one that counts most first */
    unsigned at;           /* the one that is asked, or was asked last */
    Virtiofsd *known;      /* NULL: there is none, or none has answered yet */
    Question questions[QUESTION_MAX];
    sd_event_source *deadline;
};

/* Finding it. */

/* A folder may be entered, which access(2) does not tell from a program. */
static bool is_program(const char *path, struct stat *ret)
{
    return stat(path, ret) == 0 && S_ISREG(ret->st_mode) && access(path, X_OK) == 0;
}

static void candidate_free(void *data)
{
    Candidate *candidate = data;

    g_free(candidate->path);
    g_free(candidate);
}

static gboolean has_path(const void *candidate, const void *path)
{
    return g_str_equal(((const Candidate *)candidate)->path, path);
}

static void add(GPtrArray *candidates, const char *path)
{
    struct stat binary;

    if (candidates->len >= CANDIDATES_MAX || !is_program(path, &binary) ||
        g_ptr_array_find_with_equal_func(candidates, path, has_path, NULL))
        return;
    Candidate *candidate = g_new(Candidate, 1);
    *candidate = (Candidate){g_strdup(path), binary};
    g_ptr_array_add(candidates, candidate);
}

static bool take_described(const char *path, const char *text, size_t size, void *candidates)
{
    g_autofree char *program = virtiofsd_described(text, size);

    if (program)
        add(candidates, program);
    return false;
}

static GPtrArray *find(const VirtiofsdPlaces *places)
{
    GPtrArray *candidates = g_ptr_array_new_with_free_func(candidate_free);

    if (*USHER_VIRTIOFSD) {
        add(candidates, USHER_VIRTIOFSD);
        return candidates;
    }
    descriptor_list(places->descriptors, take_described, candidates);
    for (const char *const *program = places->programs; *program; program++)
        add(candidates, *program);
    return candidates;
}

static bool are_same(const GPtrArray *a, const GPtrArray *b)
{
    for (unsigned i = 0; a->len == b->len && i < a->len; i++) {
        const Candidate *one = g_ptr_array_index(a, i), *other = g_ptr_array_index(b, i);
        if (!g_str_equal(one->path, other->path) || !file_is_same(&one->binary, &other->binary))
            return false;
    }
    return a->len == b->len;
}

/* Asking it. */

static const char *path_asked(const VirtiofsdProbe *probe)
{
    return ((const Candidate *)g_ptr_array_index(probe->candidates, probe->at))->path;
}

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

static void ask_all(VirtiofsdProbe *probe);

/* One of the host's that can be used is found, whatever lies before it. */
static void answered(VirtiofsdProbe *probe)
{
    g_autofree char *capabilities = read_answer(&probe->questions[QUESTION_CAPABILITIES]),
                    *help = read_answer(&probe->questions[QUESTION_HELP]);

    drop_questions(probe);
    probe->known = virtiofsd_from_answers(path_asked(probe), capabilities, help);
    if (probe->known->usable)
        return;
    log_warning("%s does not have what shares need", probe->known->path);
    if (probe->at + 1 < probe->candidates->len) {
        probe->known = virtiofsd_free(probe->known);
        probe->at++;
        ask_all(probe);
    }
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
    const char *argv[] = {path_asked(probe), option, NULL};

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
    log_warning("cannot ask %s what it can do: %s", path_asked(probe), strerror(-r));
    answered(probe);
}

static void look(VirtiofsdProbe *probe)
{
    GPtrArray *candidates = find(probe->places);

    if (are_same(candidates, probe->candidates)) {
        g_ptr_array_unref(candidates);
        return;
    }
    drop_questions(probe);
    probe->known = virtiofsd_free(probe->known);
    g_ptr_array_unref(probe->candidates);
    probe->candidates = candidates;
    probe->at = 0;
    if (candidates->len > 0)
        ask_all(probe);
}

VirtiofsdProbe *virtiofsd_probe_new(sd_event *event, const VirtiofsdPlaces *places)
{
    VirtiofsdProbe *probe = g_new0(VirtiofsdProbe, 1);

    probe->event = sd_event_ref(event);
    probe->places = places;
    probe->candidates = g_ptr_array_new_with_free_func(candidate_free);
    for (unsigned i = 0; i < QUESTION_MAX; i++)
        probe->questions[i] = (Question){.probe = probe, .pidfd = -1, .output = -1};
    return probe;
}

DEFINE_FREE(VirtiofsdProbe, virtiofsd_probe_free, probe)
{
    drop_questions(probe);
    virtiofsd_free(probe->known);
    g_ptr_array_unref(probe->candidates);
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
