/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher without systemd: helpers and guests are our children while we live, and go on without us. */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"

typedef struct ForkLauncher {
    Launcher base;
    char *libexecdir;
    char *socket_path;
    GPtrArray *children; /* of Child, owned */
} ForkLauncher;

/* A child of ours or (adopted) of an earlier daemon. A guest's is kept after its end, for late questions. */
typedef struct Child {
    ForkLauncher *launcher;
    LauncherKind kind;
    char *instance; /* NULL: a modprobe */
    pid_t pid;
    uint64_t start_time;
    int pidfd;
    sd_event_source *source;
    const void *asker;        /* who asked for its start; NULL: adopted, or a modprobe */
    bool connected, given_up; /* given up: nobody waits for it any more, and it is only reaped */
    bool ended;
    LauncherExit exit;
    LauncherExited watcher; /* NULL: nobody watches */
    void *userdata;
    sd_event_source *turn; /* tells a watcher who came after the end */
} Child;

DEFINE_ELEMENT_FREE(Child, child_free, child)
{
    sd_event_source_disable_unref(child->source);
    sd_event_source_disable_unref(child->turn);
    close_fd(child->pidfd);
    g_free(child->instance);
}

static Child *find_child(ForkLauncher *launcher, LauncherKind kind, const char *instance)
{
    for (unsigned i = 0; i < launcher->children->len; i++) {
        Child *child = g_ptr_array_index(launcher->children, i);
        bool ours = child->instance && !child->given_up && child->kind == kind;
        if (ours && g_str_equal(child->instance, instance))
            return child;
    }
    return NULL;
}

/* The end of a child. */

static void tell_watcher(Child *child)
{
    LauncherExited watcher = g_steal_pointer(&child->watcher);
    LauncherExit exit = child->exit;

    watcher(&exit, child->userdata);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    Child *child = userdata;

    child->turn = sd_event_source_disable_unref(child->turn);
    tell_watcher(child);
    return 0;
}

static void tell_modprobe(Child *child)
{
    GPtrArray *pending = child->launcher->base.pending;
    Pending *found = NULL;

    for (unsigned i = 0; i < pending->len && !found; i++) {
        Pending *p = g_ptr_array_index(pending, i);
        if (p->kind == LAUNCHER_KIND_INVALID && p->pid == child->pid)
            found = p;
    }
    if (found && (!child->exit.known || child->exit.by_signal || child->exit.status != 0)) {
        g_autofree char *words = launcher_exit_words(&child->exit);
        found->error = -EIO;
        found->message = g_strdup_printf("modprobe %s %s", found->subject, words);
    }
    g_ptr_array_remove_fast(child->launcher->children, child);
    if (found)
        pending_answer(found);
}

static void tell_unconnected(Child *child)
{
    ForkLauncher *launcher = child->launcher;
    LauncherKind kind = child->kind;
    g_autofree char *instance = g_strdup(child->instance);
    g_autofree char *words = launcher_exit_words(&child->exit);
    g_autofree char *message = g_strdup_printf("%s %s before it had connected to usherd",
                                               kind == LAUNCHER_GUEST ? "usher-launch" : "usher-bind", words);

    if (kind != LAUNCHER_GUEST)
        g_ptr_array_remove_fast(launcher->children, child);
    launcher_tell_failed(&launcher->base, kind, instance, message);
}

static LauncherExit reap(int pidfd)
{
    siginfo_t info = {0};

    /* It is a child of an earlier daemon and gone; only whoever reaped it knows how it ended. */
    if (waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return (LauncherExit){.known = false};
    return (LauncherExit){.known = true, .by_signal = info.si_code != CLD_EXITED, .status = info.si_status};
}

static int on_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Child *child = userdata;

    child->source = sd_event_source_disable_unref(child->source);
    child->ended = true;
    child->exit = reap(child->pidfd);
    child->pidfd = close_fd(child->pidfd);
    /* Nothing after these calls may touch child or launcher: the callee may free either. */
    if (child->given_up)
        g_ptr_array_remove_fast(child->launcher->children, child);
    else if (!child->instance)
        tell_modprobe(child);
    else if (child->watcher)
        tell_watcher(child);
    else if (!child->connected)
        tell_unconnected(child);
    else if (child->kind != LAUNCHER_GUEST)
        g_ptr_array_remove_fast(child->launcher->children, child);
    return 0;
}

/* The start. */

/* Follows the process of pidfd, which is taken over in every case. */
static int child_new(ForkLauncher *launcher, LauncherKind kind, const char *instance, pid_t pid, int pidfd,
                     Child **ret)
{
    Child *child = g_new0(Child, 1);

    *child = (Child){
        .launcher = launcher, .kind = kind, .instance = g_strdup(instance), .pid = pid, .pidfd = pidfd};
    int r = launcher_start_time(pid, &child->start_time);
    /* Gone already: the descriptor tells. */
    if (r >= 0 || r == -ESRCH)
        r = sd_event_add_io(launcher->base.event, &child->source, pidfd, EPOLLIN, on_ended, child);
    /* Heard after what it wrote last, such as QEMU's SHUTDOWN event: both are there when it has ended. */
    if (r >= 0)
        r = sd_event_source_set_priority(child->source, SD_EVENT_PRIORITY_NORMAL + 10);
    if (r < 0) {
        child_free(child);
        return r;
    }
    g_ptr_array_add(launcher->children, child);
    *ret = child;
    return 0;
}

/* The process gets a session of its own, stdin from /dev/null, our stdout and stderr, no other descriptor,
 * and default signals: nothing of the daemon's may leak into a process that outlives it. */
static int spawn(char *const argv[], char *const environment[], pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    int r = posix_spawn(ret_pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* 0 and *ret; if the process could not even be started, *ret is NULL and *ret_error says why. */
static int spawn_child(ForkLauncher *launcher, LauncherKind kind, const char *instance, char *const argv[],
                       Child **ret, int *ret_error)
{
    g_autofree char *socket = g_strconcat("USHER_SOCKET=", launcher->socket_path, NULL);
    char *environment[] = {socket,
                           (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                           (char *)"LANG=C.UTF-8", NULL};
    pid_t pid;

    *ret = NULL;
    *ret_error = spawn(argv, environment, &pid);
    if (*ret_error < 0)
        return 0;
    /* The pid cannot be another's until it is reaped. */
    int pidfd = pidfd_open(pid, 0);
    int r = pidfd < 0 ? -errno : child_new(launcher, kind, instance, pid, pidfd, ret);
    if (r < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return r;
}

static int answer_spawn(Pending *pending, const char *program, int error)
{
    pending->error = error;
    if (error < 0)
        pending->message = g_strdup_printf("cannot start %s: %s", program, g_strerror(-error));
    return pending_answer_later(pending);
}

static int fork_start(Launcher *base, LauncherKind kind, const char *instance, LauncherDone done,
                      void *userdata)
{
    ForkLauncher *launcher = (ForkLauncher *)base;
    g_autofree char *program =
        g_build_filename(launcher->libexecdir, kind == LAUNCHER_GUEST ? "usher-launch" : "usher-bind", NULL);
    char *argv[] = {program, kind == LAUNCHER_GUEST ? (char *)instance : NULL, NULL};
    Child *child = find_child(launcher, kind, instance);
    int error;

    if (child && !child->ended)
        return -EALREADY;
    if (child)
        g_ptr_array_remove_fast(launcher->children, child);
    int r = spawn_child(launcher, kind, instance, argv, &child, &error);
    if (r < 0)
        return r;
    if (child)
        child->asker = userdata;
    return answer_spawn(pending_new(base, kind, instance, done, NULL, userdata), program, error);
}

static int fork_load_module(Launcher *base, const char *module, LauncherDone done, void *userdata)
{
    ForkLauncher *launcher = (ForkLauncher *)base;
    char *argv[] = {(char *)"/sbin/modprobe", (char *)"-b", (char *)"--", (char *)module, NULL};
    Child *child;
    int error;

    int r = spawn_child(launcher, LAUNCHER_KIND_INVALID, NULL, argv, &child, &error);
    if (r < 0)
        return r;
    Pending *pending = pending_new(base, LAUNCHER_KIND_INVALID, module, done, NULL, userdata);
    if (!child)
        return answer_spawn(pending, argv[0], error);
    pending->pid = child->pid;
    r = pending_limit_module(pending);
    if (r < 0)
        pending_drop(pending);
    return r;
}

static int fork_stop(Launcher *base, LauncherKind kind, const char *instance, LauncherDone done,
                     void *userdata)
{
    return done ? pending_answer_later(pending_new(base, kind, instance, done, NULL, userdata)) : 0;
}

static int fork_kill(Launcher *base, LauncherKind kind, const char *instance, int signo)
{
    const Child *child = find_child((ForkLauncher *)base, kind, instance);

    if (!child || child->ended)
        return -ESRCH;
    return pidfd_send_signal(child->pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

static int fork_identify(Launcher *base, pid_t pid, LauncherKind *ret_kind, char **ret_instance)
{
    ForkLauncher *launcher = (ForkLauncher *)base;

    for (unsigned i = 0; i < launcher->children->len; i++) {
        Child *child = g_ptr_array_index(launcher->children, i);
        /* The number of a child that has ended may be another's by now; so may that of an adopted one, which
         * we do not reap. */
        if (!child->instance || child->given_up || child->ended || child->pid != pid ||
            !launcher_still_there(pid, child->start_time))
            continue;
        *ret_kind = child->kind;
        *ret_instance = g_strdup(child->instance);
        return 0;
    }
    return -EPERM;
}

static void fork_connected(Launcher *base, LauncherKind kind, const char *instance)
{
    Child *child = find_child((ForkLauncher *)base, kind, instance);

    if (child)
        child->connected = true;
}

/* Watching. */

/* Watches a process that we did not start ourselves. -ESRCH if it is gone, or its number is another's. */
static int adopt(ForkLauncher *launcher, LauncherKind kind, const char *instance, pid_t pid,
                 const uint64_t *start_time, Child **ret)
{
    _cleanup_close_ int pidfd = pid > 0 ? pidfd_open(pid, 0) : (errno = ESRCH, -1);
    if (pidfd < 0)
        return -errno;
    if (start_time && !launcher_still_there(pid, *start_time))
        return -ESRCH;
    Child *old = find_child(launcher, kind, instance);
    if (old)
        g_ptr_array_remove_fast(launcher->children, old);
    int r = child_new(launcher, kind, instance, pid, steal_fd(&pidfd), ret);
    if (r >= 0)
        (*ret)->connected = true;
    return r;
}

/* Stands for a process that has gone without a trace. */
static Child *ghost_new(ForkLauncher *launcher, LauncherKind kind, const char *instance, pid_t pid)
{
    Child *child = g_new0(Child, 1);

    *child = (Child){.launcher = launcher,
                     .kind = kind,
                     .instance = g_strdup(instance),
                     .pid = pid,
                     .pidfd = -1,
                     .ended = true};
    g_ptr_array_add(launcher->children, child);
    return child;
}

static int fork_watch(Launcher *base, LauncherKind kind, const char *instance, pid_t pid,
                      LauncherExited exited, void *userdata)
{
    ForkLauncher *launcher = (ForkLauncher *)base;
    Child *child = find_child(launcher, kind, instance);
    int r = 0;

    if (child && child->pid != pid) {
        g_ptr_array_remove_fast(launcher->children, child);
        child = NULL;
    }
    if (!child)
        r = adopt(launcher, kind, instance, pid, NULL, &child);
    if (r == -ESRCH)
        child = ghost_new(launcher, kind, instance, pid);
    else if (r < 0)
        return r;
    if (child->ended) {
        r = sd_event_add_defer(base->event, &child->turn, on_turn, child);
        if (r < 0)
            return r;
    }
    child->watcher = exited;
    child->userdata = userdata;
    return 0;
}

static void unwatch(Child *child)
{
    child->watcher = NULL;
    child->turn = sd_event_source_disable_unref(child->turn);
}

static void fork_unwatch(Launcher *base, LauncherKind kind, const char *instance)
{
    Child *child = find_child((ForkLauncher *)base, kind, instance);

    if (child)
        unwatch(child);
}

static int fork_find(Launcher *base, LauncherKind kind, const char *instance, pid_t pid_hint,
                     uint64_t start_time_hint, LauncherFound found, void *userdata)
{
    ForkLauncher *launcher = (ForkLauncher *)base;
    Child *child = find_child(launcher, kind, instance);

    if (!child || child->ended) {
        int r = adopt(launcher, kind, instance, pid_hint, &start_time_hint, &child);
        if (r < 0 && r != -ESRCH)
            return r;
        if (r < 0)
            child = NULL;
    }
    Pending *pending = pending_new(base, kind, instance, NULL, found, userdata);
    pending->pid = child ? child->pid : 0;
    return pending_answer_later(pending);
}

static void fork_forget(Launcher *base, const void *userdata)
{
    ForkLauncher *launcher = (ForkLauncher *)base;

    for (unsigned i = 0; i < launcher->children->len; i++) {
        Child *child = g_ptr_array_index(launcher->children, i);
        if (child->watcher && child->userdata == userdata)
            unwatch(child);
        child->given_up |= !child->ended && child->asker && child->asker == userdata;
    }
}

static void fork_free(Launcher *base)
{
    ForkLauncher *launcher = (ForkLauncher *)base;

    g_ptr_array_free(launcher->children, TRUE);
    g_free(launcher->libexecdir);
    g_free(launcher->socket_path);
}

int launcher_new_fork(sd_event *event, const char *libexecdir, const char *socket_path, Launcher **ret)
{
    static const LauncherVerbs verbs = {
        .name = "fork",
        .free = fork_free,
        .start = fork_start,
        .stop = fork_stop,
        .kill = fork_kill,
        .identify = fork_identify,
        .connected = fork_connected,
        .watch = fork_watch,
        .unwatch = fork_unwatch,
        .find = fork_find,
        .load_module = fork_load_module,
        .forget = fork_forget,
    };
    ForkLauncher *launcher = g_new0(ForkLauncher, 1);

    launcher_init(&launcher->base, &verbs, event);
    launcher->libexecdir = g_strdup(libexecdir);
    launcher->socket_path = g_strdup(socket_path);
    launcher->children = g_ptr_array_new_with_free_func(child_free);
    *ret = &launcher->base;
    return 0;
}
