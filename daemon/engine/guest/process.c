/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's process: its last output, a record of it for the next daemon, and its end. */
#include <string.h>

#include "../../base/file.h"
#include "../../base/log.h"
#include "private.h"

#define WORDS_LIMIT (128 * 1024)

static void on_words(const char *line, void *userdata)
{
    Guest *g = userdata;

    /* The text is QEMU's, and must not look like usherd's own. */
    log_guest(LOG_WARNING, g->name, "QEMU: %s", line);
}

int guest_open_run_folder(Guest *g)
{
    if (g->folder_fd < 0) {
        int fd = file_open_dirs_at(g->engine->guests_fd, g->name, 0750);
        if (fd < 0)
            return fd;
        g->folder_fd = fd;
    }
    if (g->stderr_log)
        return 0;
    const GuestLogPlace place = {g->folder_fd, "qemu.pipe", g->folder_fd,
                                 "qemu.log",   WORDS_LIMIT, .words = true};
    return guest_log_open(g->engine->event, &place, on_words, g, &g->stderr_log);
}

int guest_write_process(Guest *g)
{
    uint64_t start_time = 0;

    int r = launcher_start_time(g->run->process.pid, &start_time);
    if (r < 0)
        return r;
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text, "%d %" G_GUINT64_FORMAT " %u %u\n", g->run->process.pid, start_time,
                    g->run->process.uid, g->run->process.gid);
    companions_to_text(g->run->companions, text);
    return file_replace_at(g->folder_fd, "process", text->str, 0600);
}

void guest_read_process(Guest *g, uint64_t *ret_start_time)
{
    g_autofree char *text = NULL;
    uint64_t start_time;
    int pid;
    unsigned uid, gid;

    if (file_read_value_at(g->folder_fd, "process", &text) < 0 ||
        sscanf(text, "%d %" G_GUINT64_FORMAT " %u %u", &pid, &start_time, &uid, &gid) != 4)
        return;
    g->run->process.pid = pid;
    g->run->process.uid = uid;
    g->run->process.gid = gid;
    *ret_start_time = start_time;
}

void guest_forget_process(Guest *g)
{
    unlinkat(g->folder_fd, "process", 0);
}

/* Whether the end was intended, and if not, why not. */
static Fault *judge_exit(const Guest *g, const LauncherExit *exit)
{
    g_autofree char *remedy = g_strdup_printf("see: usherctl status %s", g->name);

    if (g->run->stop_asked)
        return NULL;
    if (g->run->condition.trouble)
        return fault_new(FAULT_GUEST_FAILED, remedy, "%s", g->run->condition.trouble);
    if (exit->known && exit->by_signal)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s was killed by signal %d (%s)", g->name,
                         exit->status, strsignal(exit->status));
    if (exit->known && exit->status != 0)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s ended with exit status %d", g->name,
                         exit->status);
    if (!qemu_link_ending(g->run->link) && !exit->known)
        return fault_new(FAULT_GUEST_FAILED, remedy, "QEMU of guest %s ended for an unknown reason", g->name);
    return NULL;
}

/* A start that fails is no crash. */
static bool has_run(const Guest *g)
{
    return g->state == GUEST_RUNNING || g->state == GUEST_PAUSED || g->state == GUEST_UNRESPONSIVE;
}

static void on_exited(const LauncherExit *exit, void *userdata)
{
    Run *run = userdata;
    Guest *g = run->guest;

    /* An earlier daemon has heard why it ends. */
    bool heard = run->recovering && revival_owed(g->revival) != GUEST_END_OTHER;
    run->process.watched = false;
    run->recovering = false;
    if (!g->fault && !heard)
        g->fault = judge_exit(g, exit);
    if (g->fault && has_run(g))
        guest_note_end(g, GUEST_END_CRASH);
    qemu_link_set_ending(run->link, true);
    companions_end(run->companions);
}

void guest_watch_process(Guest *g)
{
    int r =
        launcher_watch(g->engine->launcher, LAUNCHER_GUEST, g->name, g->run->process.pid, on_exited, g->run);
    if (r < 0) {
        log_guest(LOG_WARNING, g->name, "cannot watch pid %d: %s", g->run->process.pid, strerror(-r));
        on_exited(&(LauncherExit){}, g->run);
        return;
    }
    g->run->process.watched = true;
}
