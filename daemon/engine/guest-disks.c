/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a guest's disks before the first step of its plan: one that is in use, or is not what it should be,
 * refuses the start while nothing has been touched. usher-bind opens them, as usherd may not. */
#include <fcntl.h>
#include <string.h>

#include "../base/cleanup.h"
#include "../base/file.h"
#include "../base/log.h"
#include "guest-private.h"

#define OPEN_WORDS "opening its disks"

typedef struct OpenDisk {
    const DiskWish *wish;
    int fd;
    bool block;
} OpenDisk;

static void open_next(Guest *g);

static void close_disk(void *disk)
{
    close_fd(((OpenDisk *)disk)->fd);
}

void guest_close_disks(Guest *g)
{
    g_clear_pointer(&g->disks, g_array_unref);
    g_clear_pointer(&g->disk_wishes, g_ptr_array_unref);
    if (g->disk_lines)
        g_string_free(g_steal_pointer(&g->disk_lines), TRUE);
}

int guest_dup_disk(const Guest *g, const char *path, bool read_only, bool *ret_block)
{
    for (unsigned i = 0; g->disks && i < g->disks->len; i++) {
        const OpenDisk *disk = &g_array_index(g->disks, OpenDisk, i);
        if (!g_str_equal(disk->wish->path, path) || disk->wish->writable == read_only)
            continue;
        int fd = fcntl(disk->fd, F_DUPFD_CLOEXEC, 3);
        *ret_block = disk->block;
        return fd < 0 ? -errno : fd;
    }
    return -ENOENT;
}

/* What is claimed stands in the guest's folder, "ID w" or "ID r" a line, for a daemon that comes after this
 * one. */
void guest_claim_disks_again(Guest *g)
{
    g_autofree char *text = NULL;
    if (file_read_value_at(g->run_fd, "disks", &text) < 0)
        return;

    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);
        if (g_strv_length(words) == 2)
            disk_claims_take(g->engine->disks, words[0], words[1][0] == 'w', g->name);
    }
}

static const DiskWish *current(const Guest *g)
{
    return g_ptr_array_index(g->disk_wishes, g->disks->len);
}

static Fault *used_by_guest(const Guest *g, const char *other)
{
    const DiskWish *wish = current(g);
    g_autofree char *remedy = g_strdup_printf("stop that guest first: usherctl stop %s", other);

    return fault_new(FAULT_IN_USE, remedy, "guest %s: [%s] %s=%s is in use by guest %s", g->name,
                     wish->section, wish->key, wish->path, other);
}

/* NULL: the guest may have it. */
static Fault *judge(Guest *g, const DiskSeen *seen)
{
    const DiskWish *wish = current(g);
    Fault *fault = NULL;

    if (disk_wish_judge(g->name, wish, seen, &fault) != 0)
        return fault;
    const char *other = disk_claims_take(g->engine->disks, seen->id, wish->writable, g->name);
    if (other)
        return used_by_guest(g, other);
    if (seen->made)
        log_guest(LOG_NOTICE, g->name, "made %s with %" G_GUINT64_FORMAT " bytes, empty", wish->path,
                  wish->size);
    g_string_append_printf(g->disk_lines, "%s %c\n", seen->id, wish->writable ? 'w' : 'r');
    return NULL;
}

static Fault *held(const Guest *g, const DiskSeen *seen, const GPtrArray *holders)
{
    const char *other = disk_claims_other(g->engine->disks, seen->id, g->name);

    return other ? used_by_guest(g, other) : disk_wish_held(g->name, current(g), holders);
}

static void on_opened(int error, const DiskSeen *seen, const GPtrArray *holders, int *fd, void *userdata)
{
    Guest *g = userdata;
    Fault *fault = NULL;

    if (error == -ECONNRESET)
        g->open_worker = NULL;
    if (error < 0)
        fault = disk_wish_fault(g->name, current(g), error);
    else
        fault = error > 0 ? held(g, seen, holders) : judge(g, seen);
    if (fault) {
        guest_fail(g, fault);
        return;
    }
    OpenDisk disk = {current(g), steal_fd(fd), seen->id[0] == 'b'};
    g_array_append_val(g->disks, disk);
    open_next(g);
}

static void ask(Guest *g)
{
    int r = worker_disk(g->open_worker, current(g), on_opened, g);
    if (r < 0)
        guest_fail(g, disk_wish_fault(g->name, current(g), r));
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Guest *g = userdata;

    g->open_request = NULL;
    g->open_worker = worker;
    if (worker)
        ask(g);
    else
        guest_fail(g, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                "cannot start usher-bind: %s", message));
}

static void open_next(Guest *g)
{
    int r;

    if (g->disks->len < g->disk_wishes->len && g->open_worker) {
        ask(g);
        return;
    }
    if (g->disks->len < g->disk_wishes->len) {
        r = worker_request(g->engine->workers, on_worker, g, &g->open_request);
    } else {
        if (g->open_worker)
            worker_release(g->open_worker);
        g->open_worker = NULL;
        r = file_replace_at(g->run_fd, "disks", g->disk_lines->str, 0600);
    }
    if (r < 0)
        guest_fail(g, fault_new(FAULT_FAILED, "try again", "guest %s: cannot open its disks: %s", g->name,
                                g_strerror(-r)));
    else if (g->disks->len == g->disk_wishes->len)
        guest_begin(g);
}

void guest_open_disks(Guest *g)
{
    g->disk_wishes = disk_wishes(g->definition);
    g->disk_lines = g_string_new(NULL);
    g->disks = g_array_new(FALSE, FALSE, sizeof(OpenDisk));
    g_array_set_clear_func(g->disks, close_disk);
    if (g->disk_wishes->len > 0)
        job_progress(g->start_job, OPEN_WORDS, 0, g->plan->steps->len);
    open_next(g);
}
