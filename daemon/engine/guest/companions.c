/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs beside QEMU: started by usher-launch before it becomes QEMU, followed as long as QEMU runs.
 * One that ends takes the guest down by the ladder; when QEMU ends, they end, and the guest's end waits for
 * theirs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "../../edge/host-services/clock.h"
#include "../../edge/launcher/process-watch.h"
#include "private.h"

/* So long for what a companion has to write down when QEMU is gone. */
#define END_USEC (5 * G_USEC_PER_SEC)

struct GuestCompanion {
    Guest *guest;
    char *name;
    pid_t pid;
    uint64_t start_time;
    ProcessWatch *watch; /* NULL: it had ended when it was looked for */
};

static void companion_free(void *data)
{
    GuestCompanion *companion = data;

    process_watch_free(companion->watch);
    g_free(companion->name);
    g_free(companion);
}

GPtrArray *guest_companions_new(void)
{
    return g_ptr_array_new_with_free_func(companion_free);
}

static bool all_ended(const Guest *g)
{
    for (unsigned i = 0; i < g->companions->len; i++) {
        const GuestCompanion *companion = g_ptr_array_index(g->companions, i);
        if (companion->watch && !process_watch_ended(companion->watch))
            return false;
    }
    return true;
}

void guest_drop_companions(Guest *g)
{
    g->companions_end = sd_event_source_disable_unref(g->companions_end);
    g_ptr_array_set_size(g->companions, 0);
}

/* The ladder is climbed down as if somebody had asked: the guest may yet save what it has. */
static void lose(Guest *g, const char *name)
{
    if (g->stop_asked || g->shutdown_seen || g->fault || (g->watched && process_ending(g->pid)))
        return;
    g_autofree char *remedy = g_strdup_printf("what it said last shows: usherctl status %s", g->name);
    Fault *fault =
        fault_new(FAULT_GUEST_FAILED, remedy, "%s of guest %s ended; the guest is stopped", name, g->name);

    log_guest(LOG_ERR, g->name, "%s", fault->message);
    if (!g->watched) {
        guest_fail(g, fault);
        return;
    }
    g->fault = fault;
    guest_stop(g, NULL, false, NULL);
}

static void on_ended(void *userdata)
{
    GuestCompanion *companion = userdata;
    Guest *g = companion->guest;

    if (!g->companions_end)
        lose(g, companion->name);
    else if (all_ended(g))
        guest_ended(g);
}

static int add(Guest *g, const char *name, pid_t pid, uint64_t start_time)
{
    GuestCompanion *companion = g_new0(GuestCompanion, 1);

    *companion = (GuestCompanion){.guest = g, .name = g_strdup(name), .pid = pid, .start_time = start_time};
    int r =
        process_watch_new(g->engine->event, pid, g->pid, start_time, on_ended, companion, &companion->watch);
    if (r >= 0 && start_time == 0)
        r = launcher_start_time(pid, &companion->start_time);
    g_ptr_array_add(g->companions, companion);
    return r;
}

/* The start. */

static int fds_before(const QemuCommand *command, unsigned companion)
{
    int n = command->files->len;

    for (unsigned i = 0; i < companion; i++)
        n += ((const QemuCompanion *)g_ptr_array_index(command->companions, i))->files->len;
    return n;
}

/* Where systemd starts guests it has made the folder already, for the guest's own user (StateDirectory=). */
static int make_folder(const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_mkdir_with_parents(parent, 0755) < 0)
        return -errno;
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int send_companion(Guest *g, const QemuCompanion *companion, int first)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    int log = guest_log_fd(g->words);

    int r = companion->state_folder ? make_folder(companion->state_folder) : 0;
    if (r < 0)
        return r;
    g_ptr_array_add(words, (char *)(companion->serves_folder ? "folder-companion" : "companion"));
    g_ptr_array_add(words, companion->name);
    for (unsigned i = 0; i < companion->argv->len; i++)
        g_ptr_array_add(words, g_ptr_array_index(companion->argv, i));
    g_array_append_vals(fds, &g_array_index(g->fds, int, first), companion->files->len);
    g_array_append_val(fds, log);
    return channel_send(g->launch, (const char *const *)words->pdata, (const int *)fds->data, fds->len);
}

static void fail_start(Guest *g, const char *name, int error)
{
    guest_fail(g, fault_new(FAULT_GUEST_FAILED, "see journalctl -t usher-launch",
                            "cannot start %s of guest %s: %s", name, g->name, g_strerror(error)));
}

static const QemuCompanion *next_companion(const Guest *g)
{
    return g->companions->len < g->command->companions->len
               ? g_ptr_array_index(g->command->companions, g->companions->len)
               : NULL;
}

void guest_start_companions(Guest *g)
{
    const QemuCompanion *next = next_companion(g);

    if (!next) {
        guest_hand_over(g);
        return;
    }
    int r = send_companion(g, next, fds_before(g->command, g->companions->len));
    if (r < 0)
        fail_start(g, next->name, -r);
}

void guest_companion_answered(Guest *g, char **words)
{
    const QemuCompanion *started = g->command ? next_companion(g) : NULL;
    int number = words[1] ? atoi(words[1]) : 0;

    if (!started || g->state != GUEST_PREPARING)
        return;
    if (!g_str_equal(words[0], "started")) {
        fail_start(g, started->name, number);
        return;
    }
    int r = add(g, started->name, number, 0);
    if (r == -ESRCH)
        lose(g, started->name);
    else if (r < 0)
        fail_start(g, started->name, -r);
    else
        guest_start_companions(g);
}

/* The end. */

static int on_hopeless(sd_event_source *source, uint64_t usec, void *userdata)
{
    guest_ended(userdata);
    return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    Guest *g = userdata;
    bool killed = false;

    for (unsigned i = 0; i < g->companions->len; i++) {
        const GuestCompanion *companion = g_ptr_array_index(g->companions, i);
        if (!companion->watch || process_watch_ended(companion->watch))
            continue;
        log_guest(LOG_WARNING, g->name, "%s (pid %d) did not end with QEMU", companion->name, companion->pid);
        killed |= process_watch_kill(companion->watch);
    }
    /* What is not ours to kill systemd kills, with all that is left in the unit, once we say that the guest
     * has ended. */
    if (!killed || clock_after(g->engine->event, END_USEC, on_hopeless, g, &g->companions_end) < 0)
        guest_ended(g);
    return 0;
}

void guest_end_companions(Guest *g)
{
    if (all_ended(g) || clock_after(g->engine->event, END_USEC, on_late, g, &g->companions_end) < 0)
        guest_ended(g);
}

/* Over a restart of the daemon. */

void guest_companions_to_text(const Guest *g, GString *text)
{
    for (unsigned i = 0; i < g->companions->len; i++) {
        const GuestCompanion *companion = g_ptr_array_index(g->companions, i);
        g_string_append_printf(text, "%d %" G_GUINT64_FORMAT " %s\n", companion->pid, companion->start_time,
                               companion->name);
    }
}

void guest_find_companions(Guest *g)
{
    g_autofree char *text = NULL;

    if (file_read_value_at(g->run_fd, "process", &text) < 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    /* The first is QEMU's. */
    for (char **line = lines + (*lines != NULL); *line; line++) {
        uint64_t start_time;
        int pid, at = 0;
        if (sscanf(*line, "%d %" G_GUINT64_FORMAT " %n", &pid, &start_time, &at) == 2 && at > 0 &&
            add(g, *line + at, pid, start_time) < 0)
            lose(g, *line + at);
    }
}
