/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "launcher.h"
#include "process-watch.h"

struct ProcessWatch {
    int pidfd;
    bool ended;
    sd_event_source *source;
    ProcessEnded callback;
    void *userdata;
};

static int on_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    ProcessWatch *watch = userdata;

    watch->source = sd_event_source_disable_unref(watch->source);
    watch->ended = true;
    watch->callback(watch->userdata);
    return 0;
}

/* Field 4 of /proc/PID/stat (proc_pid_stat(5)). */
static int read_parent(pid_t pid, pid_t *ret)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *text = NULL;

    int r = file_read_value_at(AT_FDCWD, path, &text);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    const char *after_name = strrchr(text, ')');
    return after_name && sscanf(after_name, ") %*c %d", ret) == 1 ? 0 : -EBADMSG;
}

/* Called with a pidfd open: what is read belongs to its process if that is still there afterwards. */
static int check(pid_t pid, pid_t parent, uint64_t start_time)
{
    pid_t found_parent;
    uint64_t found_time;

    int r = read_parent(pid, &found_parent);
    if (r >= 0)
        r = launcher_start_time(pid, &found_time);
    if (r < 0)
        return r;
    if (start_time != 0 && found_time != start_time)
        return -ESRCH;
    return found_parent == parent ? 0 : -EPERM;
}

int process_watch_new(sd_event *event, pid_t pid, pid_t parent, uint64_t start_time, ProcessEnded ended,
                      void *userdata, ProcessWatch **ret)
{
    _cleanup_close_ int pidfd = pid > 0 ? pidfd_open(pid, 0) : (errno = ESRCH, -1);
    if (pidfd < 0)
        return -errno;
    int r = check(pid, parent, start_time);
    if (r < 0)
        return r;

    ProcessWatch *watch = g_new0(ProcessWatch, 1);
    *watch = (ProcessWatch){.pidfd = steal_fd(&pidfd), .callback = ended, .userdata = userdata};
    r = sd_event_add_io(event, &watch->source, watch->pidfd, EPOLLIN, on_ended, watch);
    /* Heard after what others said before the end, such as QEMU's SHUTDOWN event. */
    if (r >= 0)
        r = sd_event_source_set_priority(watch->source, SD_EVENT_PRIORITY_NORMAL + 10);
    if (r < 0) {
        process_watch_free(watch);
        return r;
    }
    *ret = watch;
    return 0;
}

DEFINE_FREE(ProcessWatch, process_watch_free, watch)
{
    sd_event_source_disable_unref(watch->source);
    close_fd(watch->pidfd);
}

bool process_watch_ended(const ProcessWatch *watch)
{
    return watch->ended;
}

bool process_watch_kill(const ProcessWatch *watch)
{
    return !watch->ended && pidfd_send_signal(watch->pidfd, SIGKILL, NULL, 0) >= 0;
}

bool process_ending(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", pid), *text = NULL;

    return file_read_value_at(AT_FDCWD, path, &text) < 0 || g_str_has_prefix(text, "0 ");
}
