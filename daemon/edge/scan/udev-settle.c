/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../host-services/clock.h"
#include "udev-settle.h"

struct UdevSettle {
    char *queue;
    int inotify_fd;
    sd_event_source *io;
    sd_event_source *turn;
    sd_event_source *deadline;
    UdevSettled settled;
    void *userdata;
};

static bool queue_empty(const UdevSettle *settle)
{
    struct stat st;

    return stat(settle->queue, &st) < 0;
}

static void stop(UdevSettle *settle)
{
    settle->io = sd_event_source_disable_unref(settle->io);
    settle->turn = sd_event_source_disable_unref(settle->turn);
    settle->deadline = sd_event_source_disable_unref(settle->deadline);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    UdevSettle *settle = userdata;

    stop(settle);
    settle->settled(settle->userdata);
    return 0;
}

static int on_change(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    char buffer[4096];

    while (read(fd, buffer, sizeof buffer) > 0)
        ;
    return queue_empty(userdata) ? on_turn(source, userdata) : 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    return on_turn(source, userdata);
}

/* Watches first and looks afterwards, so that an end in between is not missed. */
static int watch(UdevSettle *settle, sd_event *event, const char *run_path, uint64_t timeout_usec)
{
    settle->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (settle->inotify_fd < 0)
        return -errno;
    bool watched = inotify_add_watch(settle->inotify_fd, run_path, IN_DELETE | IN_ONLYDIR) >= 0;
    if (!watched || queue_empty(settle))
        return sd_event_add_defer(event, &settle->turn, on_turn, settle);

    int r = sd_event_add_io(event, &settle->io, settle->inotify_fd, EPOLLIN, on_change, settle);
    return r < 0 ? r : clock_after(event, timeout_usec, on_deadline, settle, &settle->deadline);
}

int udev_settle_new(sd_event *event, const char *run_path, uint64_t timeout_usec, UdevSettled settled,
                    void *userdata, UdevSettle **ret)
{
    UdevSettle *settle = g_new0(UdevSettle, 1);

    *settle = (UdevSettle){.inotify_fd = -1, .settled = settled, .userdata = userdata};
    settle->queue = g_build_filename(run_path, "queue", NULL);
    int r = watch(settle, event, run_path, timeout_usec);
    if (r < 0) {
        udev_settle_free(settle);
        return r;
    }
    *ret = settle;
    return 0;
}

DEFINE_FREE(UdevSettle, udev_settle_free, settle)
{
    stop(settle);
    close_fd(settle->inotify_fd);
    g_free(settle->queue);
}
