/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fork launcher, and what it called back. */
#pragma once

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/launcher/private.h"
#include "launcher-heard.h"
#include "loop.h"
#include "peer.h"

static PeerFolder folder;
static sd_event *event;
static Launcher *launcher;

static inline void new_launcher(void)
{
    ck_assert_int_eq(launcher_new_fork(event, folder.path, folder.socket, &launcher), 0);
    launcher_on_failed(launcher, LAUNCHER_GUEST, on_failed, NULL);
}

static inline void setup(void)
{
    peer_folder_make(&folder);
    event = loop_new();
    new_launcher();
}

static inline void teardown(void)
{
    launcher = launcher_free(launcher);
    event = sd_event_unref(event);
    peer_folder_remove(&folder);
    /* All of them are ending. */
    while (waitpid(-1, NULL, 0) > 0)
        ;
    heard_nothing();
}

static inline void start(const char *name)
{
    ck_assert_int_eq(launcher_start(launcher, LAUNCHER_GUEST, name, on_done, NULL), 0);
    ck_assert_msg(answers == 0, "nothing is called back from within");
    loop_until_count(event, &answers, 1);
    ck_assert_int_eq(answer_error, 0);
}

/* The only child there is, as the kernel tells it. */
static inline pid_t child_pid(void)
{
    siginfo_t info = {0};
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid()), *text = NULL;

    if (g_file_get_contents(path, &text, NULL, NULL) && *text)
        return atoi(text);
    /* CONFIG_PROC_CHILDREN may be missing; an ended child can be peeked at. */
    ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    return info.si_pid;
}

static inline pid_t start_watched(const char *name)
{
    start(name);
    pid_t pid = child_pid();
    ck_assert_int_eq(launcher_watch(launcher, LAUNCHER_GUEST, name, pid, on_exited, NULL), 0);
    return pid;
}

/* The part of usher-launch NAME: the name says what to do. */

static inline int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -1; /* its own */

    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static inline int check_signals(void)
{
    struct sigaction action;
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigaction(SIGPIPE, NULL, &action);
    if (sigismember(&mask, SIGTERM) || action.sa_handler != SIG_DFL)
        return 1;
    return getsid(0) == getpid() ? 0 : 2;
}

static inline int check_environment(void)
{
    g_auto(GStrv) names = g_listenv();
    const char *socket = getenv("USHER_SOCKET");

    if (!socket || !g_str_has_suffix(socket, "/helper.sock"))
        return 1;
    return g_strv_length(names) == 3 && getenv("PATH") && getenv("LANG") ? 0 : 2;
}

static inline int peer_play(const char *part, const char *name)
{
    if (g_str_equal(name, "exit-3"))
        return 3;
    if (g_str_equal(name, "fds"))
        return count_fds();
    if (g_str_equal(name, "signals"))
        return check_signals();
    if (g_str_equal(name, "environment"))
        return check_environment();
    for (;;)
        pause();
}
