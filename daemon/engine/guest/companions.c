/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "companions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "../../edge/launcher/launcher.h"
#include "../../edge/launcher/process-watch.h"
#include "../../edge/qemu/companion-socket.h"

/* How long a companion has to write its data when QEMU is gone. */
#define END_USEC (5 * G_USEC_PER_SEC)

typedef struct Companion {
    Companions *all;
    char *name;
    pid_t pid;
    uint64_t start_time;
    ProcessWatch *watch; /* NULL: the process had ended when it was looked for */
} Companion;

struct Companions {
    sd_event *event;
    const char *guest;
    const CompanionsHandler *handler;
    void *userdata;
    GPtrArray *list;       /* of Companion, owned */
    GArray *listeners;     /* of int, owned: the sockets at which they listen, by their place; -1: handed
                            * on */
    CompanionsStart start; /* command NULL: none is being started */
    sd_event_source *end;  /* how long they are waited for when QEMU is gone */
};

DEFINE_ELEMENT_FREE(Companion, companion_free, companion)
{
    process_watch_free(companion->watch);
    g_free(companion->name);
}

static void close_element(void *fd)
{
    close_fd(*(int *)fd);
}

Companions *companions_new(sd_event *event, const char *guest, const CompanionsHandler *handler,
                           void *userdata)
{
    Companions *all = g_new0(Companions, 1);

    *all = (Companions){
        .event = event,
        .guest = guest,
        .handler = handler,
        .userdata = userdata,
        .list = g_ptr_array_new_with_free_func(companion_free),
        .listeners = g_array_new(FALSE, FALSE, sizeof(int)),
    };
    g_array_set_clear_func(all->listeners, close_element);
    return all;
}

DEFINE_FREE(Companions, companions_free, all)
{
    sd_event_source_disable_unref(all->end);
    g_array_unref(all->listeners);
    g_ptr_array_unref(all->list);
}

static bool runs(const Companion *companion)
{
    return companion->watch && !process_watch_ended(companion->watch);
}

static bool any_runs(const Companions *all)
{
    for (unsigned i = 0; i < all->list->len; i++)
        if (runs(g_ptr_array_index(all->list, i)))
            return true;
    return false;
}

static void on_ended(void *userdata)
{
    const Companion *companion = userdata;
    const Companions *all = companion->all;

    if (!all->end)
        all->handler->lost(companion->name, all->userdata);
    else if (!any_runs(all))
        all->handler->ended(all->userdata);
}

static int add(Companions *all, const char *name, pid_t pid, uint64_t start_time, pid_t parent)
{
    Companion *companion = g_new0(Companion, 1);

    *companion = (Companion){.all = all, .name = g_strdup(name), .pid = pid, .start_time = start_time};
    int r = process_watch_new(all->event, pid, parent, start_time, on_ended, companion, &companion->watch);
    if (r >= 0 && start_time == 0)
        r = launcher_start_time(pid, &companion->start_time);
    g_ptr_array_add(all->list, companion);
    return r;
}

/* The start. */

int companions_connect(Companions *all, const char *path)
{
    int listener, connected;

    int r = companion_socket(path, &listener, &connected);
    if (r < 0)
        return r;
    g_array_append_val(all->listeners, listener);
    return connected;
}

int companions_take_listener(Companions *all, unsigned companion)
{
    return steal_fd(&g_array_index(all->listeners, int, companion));
}

static int fds_before(const QemuCommand *command, unsigned companion)
{
    int n = command->files->len;

    for (unsigned i = 0; i < companion; i++)
        n += ((const QemuCompanion *)g_ptr_array_index(command->companions, i))->files->len;
    return n;
}

/* If systemd starts the guests, it has made the folder already, for the guest's own user
 * (StateDirectory=). */
static int make_folder(const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_mkdir_with_parents(parent, 0755) < 0)
        return -errno;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int send(const CompanionsStart *start, const QemuCompanion *companion, int first)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));

    int r = companion->state_folder ? make_folder(companion->state_folder) : 0;
    if (r < 0)
        return r;
    g_ptr_array_add(words, (char *)(companion->serves_folder ? "folder-companion" : "companion"));
    g_ptr_array_add(words, companion->name);
    for (unsigned i = 0; i < companion->argv->len; i++)
        g_ptr_array_add(words, g_ptr_array_index(companion->argv, i));
    g_array_append_vals(fds, &g_array_index(start->fds, int, first), companion->files->len);
    g_array_append_val(fds, start->log);
    return channel_send(start->launcher, (const char *const *)words->pdata, (const int *)fds->data, fds->len);
}

/* The next companion to start; NULL: all have been started. */
static const QemuCompanion *next(const Companions *all)
{
    const GPtrArray *wanted = all->start.command->companions;

    return all->list->len < wanted->len ? g_ptr_array_index(wanted, all->list->len) : NULL;
}

static void fail(Companions *all, const char *name, int error)
{
    all->start.command = NULL;
    all->handler->failed(name, error, all->userdata);
}

static void start_next(Companions *all)
{
    const CompanionsStart *start = &all->start;
    const QemuCompanion *companion = next(all);

    if (!companion) {
        all->start.command = NULL;
        all->handler->ready(all->userdata);
        return;
    }
    int r = send(start, companion, fds_before(start->command, all->list->len));
    if (r < 0)
        fail(all, companion->name, -r);
}

void companions_start(Companions *all, const CompanionsStart *start)
{
    all->start = *start;
    start_next(all);
}

const char *companions_awaited(const Companions *all)
{
    const QemuCompanion *companion = all->start.command ? next(all) : NULL;

    return companion ? companion->name : NULL;
}

void companions_answered(Companions *all, char **words)
{
    const QemuCompanion *started = all->start.command ? next(all) : NULL;
    int number = words[1] ? atoi(words[1]) : 0;

    if (!started)
        return;
    if (!g_str_equal(words[0], "started")) {
        fail(all, started->name, number);
        return;
    }
    int r = add(all, started->name, number, 0, all->start.launcher_pid);
    if (r == -ESRCH)
        all->handler->lost(started->name, all->userdata);
    else if (r < 0)
        fail(all, started->name, -r);
    else
        start_next(all);
}

/* The end. */

static int on_hopeless(sd_event_source *source, uint64_t usec, void *userdata)
{
    const Companions *all = userdata;

    all->handler->ended(all->userdata);
    return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Companions *all = userdata;
    bool killed = false;

    for (unsigned i = 0; i < all->list->len; i++) {
        const Companion *companion = g_ptr_array_index(all->list, i);
        if (!runs(companion))
            continue;
        log_guest(LOG_WARNING, all->guest, "%s (pid %d) did not end when QEMU ended", companion->name,
                  companion->pid);
        killed |= process_watch_kill(companion->watch);
    }
    /* systemd kills what is not ours to kill, with everything left in the unit, once we say that the guest
     * has ended. */
    if (!killed || clock_after(all->event, END_USEC, on_hopeless, all, &all->end) < 0)
        all->handler->ended(all->userdata);
    return 0;
}

void companions_end(Companions *all)
{
    if (!any_runs(all) || clock_after(all->event, END_USEC, on_late, all, &all->end) < 0)
        all->handler->ended(all->userdata);
}

/* These survive a restart of the daemon. */

void companions_to_text(const Companions *all, GString *text)
{
    for (unsigned i = 0; i < all->list->len; i++) {
        const Companion *companion = g_ptr_array_index(all->list, i);
        g_string_append_printf(text, "%d %" G_GUINT64_FORMAT " %s\n", companion->pid, companion->start_time,
                               companion->name);
    }
}

void companions_find(Companions *all, const char *const *lines, pid_t parent)
{
    const char *lost = NULL;

    for (const char *const *line = lines; *line; line++) {
        uint64_t start_time;
        int pid, at = 0;
        if (sscanf(*line, "%d %" G_GUINT64_FORMAT " %n", &pid, &start_time, &at) == 2 && at > 0 &&
            add(all, *line + at, pid, start_time, parent) < 0 && !lost)
            lost = *line + at;
    }
    if (lost)
        all->handler->lost(lost, all->userdata);
}
