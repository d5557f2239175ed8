/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool over the fork launcher. Most helpers are the test program itself, which does what the subject of
 * the step says. */
#pragma once

#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/helper/helper-socket.h"
#include "../../../daemon/edge/helper/worker.h"
#include "../suite.h"
#include "loop.h"
#include "peer.h"

static PeerFolder folder;
static sd_event *event;
static Launcher *launcher;
static HelperSocket *helpers;
static WorkerPool *pool;
static int adopted;
static pid_t last_pid;

/* What was called back. */
static int readies, answers, lates;
static Worker *ready_worker, *ready_workers[4];
static char *ready_message, *live;
static WorkerAnswer answer;
static struct {
    int count, error, fd;
    char *id;
    unsigned n_holders;
} opened = {.fd = -1};
static struct {
    int count, error;
    unsigned mode;
} looked;

static inline void on_helper(const HelperCaller *caller, Channel *channel, void *userdata)
{
    ck_assert_int_eq(caller->verb, HELPER_BIND);
    adopted++;
    last_pid = caller->pid;
    worker_pool_adopt(pool, caller->instance, channel);
}

static inline void on_ready(Worker *worker, const char *message, void *userdata)
{
    ready_workers[readies++] = ready_worker = worker;
    g_free(ready_message);
    ready_message = g_strdup(message);
}

static inline void note(const WorkerAnswer *given)
{
    answer = *given;
    g_free(live);
    live = g_strdup(given->live);
}

static inline void on_answer(const WorkerAnswer *given, void *userdata)
{
    answers++;
    note(given);
}

static inline void on_late(const WorkerAnswer *given, void *userdata)
{
    lates++;
    note(given);
}

static inline void setup(void)
{
    adopted = readies = answers = lates = opened.count = looked.count = 0;
    peer_folder_make(&folder);
    event = loop_new();
    ck_assert_int_eq(launcher_new_fork(event, folder.path, folder.socket, &launcher), 0);
    int fd = helper_socket_listen(folder.socket);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(helper_socket_new(event, fd, launcher, on_helper, NULL, &helpers), 0);
    pool = worker_pool_new(event, launcher);
}

static inline void teardown(void)
{
    pool = worker_pool_free(pool);
    helpers = helper_socket_free(helpers);
    launcher = launcher_free(launcher);
    event = sd_event_unref(event);
    /* They end when their connections do. */
    while (waitpid(-1, NULL, 0) > 0)
        ;
    peer_folder_remove(&folder);
    g_clear_pointer(&ready_message, g_free);
    g_clear_pointer(&live, g_free);
    opened.fd = close_fd(opened.fd);
}

static inline Worker *get_worker(void)
{
    int before = readies;

    ck_assert_int_eq(worker_request(pool, on_ready, NULL, NULL), 0);
    ck_assert_msg(readies == before, "nothing is called back from within");
    loop_until_count(event, &readies, before + 1);
    ck_assert_msg(ready_worker != NULL, "no worker: %s", ready_message);
    return ready_worker;
}

static inline int step(Worker *worker, const char *subject, const char *after)
{
    g_autoptr(Step) taken = step_new(STEP_DRIVER, subject, "radeon", after);

    return worker_step(worker, taken, -1, on_answer, NULL);
}

static inline void take_to(Worker *worker, const char *subject, const char *after)
{
    int before = answers;

    ck_assert_int_eq(step(worker, subject, after), 0);
    ck_assert_int_eq(answers, before);
    loop_until_count(event, &answers, before + 1);
}

static inline void take(Worker *worker, const char *subject)
{
    take_to(worker, subject, "");
}

/* The helper's part: what to do stands in the subject of the step, or in the path to open. */

static inline bool send_file(int fd, const char *words, size_t size, const char *flags)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {(char *)words, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0 || dprintf(ends[1], "%s\n", flags) < 0)
        return false;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &ends[0], sizeof(int));
    bool sent = sendmsg(fd, &message, 0) > 0;
    close(ends[0]);
    close(ends[1]);
    return sent;
}

static inline bool serve_open(int fd, char **words)
{
    static const char image[] = "opened\0b8:16\0000/0/-\0there\0plain\0-";

    if (g_str_equal(words[1], "/image"))
        return send_file(fd, image, sizeof(image), words[2]);
    if (g_str_equal(words[1], "/used"))
        return peer_say(fd, "used b8:17 host sdb1 mounted 0 - - -");
    if (g_str_equal(words[1], "/refused"))
        return peer_say(fd, "failed 13 -");
    return g_str_equal(words[1], "/without") && peer_say(fd, "opened");
}

static inline bool serve_look(int fd, char **words)
{
    static const char kept[] = "opened\00033188\0-\0-\0000\0000\0000\0000\000-";

    if (g_str_equal(words[3], "/seen"))
        return peer_say(fd, "opened 33188 - - 0 0 0 0 -");
    if (g_str_equal(words[3], "/kept"))
        return send_file(fd, kept, sizeof(kept), words[2]);
    if (g_str_equal(words[3], "/refused"))
        return peer_say(fd, "failed 13 -");
    if (g_str_equal(words[3], "/reset"))
        return peer_say(fd, "failed 104 -");
    return g_str_equal(words[3], "/nonsense") && peer_say(fd, "opened much -");
}

/* With the subject's blanks as separators, unlike peer_say(): a value may hold one. */
static inline bool answer_done(int fd, const char *value)
{
    g_autofree char *bytes = g_strconcat("done|=", value, NULL);
    size_t size = strlen(bytes) + 1;

    bytes[4] = '\0';
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static inline bool serve_step(int fd, const char *line, const char *subject)
{
    if (g_str_equal(subject, "echo"))
        return answer_done(fd, line);
    if (g_str_equal(subject, "gone"))
        return peer_say(fd, "done -");
    if (g_str_equal(subject, "drift"))
        return peer_say(fd, "drift =nouveau");
    if (g_str_equal(subject, "fail"))
        return peer_say(fd, "failed 16 =");
    if (g_str_equal(subject, "die-afterwards"))
        return peer_say(fd, "done =") && false;
    if (g_str_has_prefix(subject, "/")) {
        _cleanup_close_ int fifo = open(subject, O_RDONLY | O_CLOEXEC);
        return answer_done(fd, fifo >= 0 ? "at last" : "never");
    }
    return false;
}

#define SAY "step driver say radeon "

static inline int peer_play(const char *part, const char *name)
{
    g_autofree char *folder_path = g_path_get_dirname(getenv("USHER_SOCKET"));
    g_autofree char *mute = g_build_filename(folder_path, "mute", NULL);

    if (access(mute, F_OK) == 0) {
        /* A little longer than the pool waits. */
        alarm(32);
        pause();
    }
    int fd = peer_connect(getenv("USHER_SOCKET"));
    bool going = fd >= 0 && peer_say(fd, "hello bind");

    if (!going)
        return 2;
    while (going) {
        g_autofree char *line = peer_hear(fd);
        if (!line)
            return 0;
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        if (g_str_equal(words[0], "disk"))
            going = serve_open(fd, words);
        else if (g_str_equal(words[0], "open"))
            going = serve_look(fd, words);
        else if (g_str_equal(words[2], "say"))
            going = peer_say(fd, strstr(line, SAY) + strlen(SAY));
        else
            going = serve_step(fd, line, words[2]);
    }
    return 0;
}
