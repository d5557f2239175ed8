/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks, files and devices that the fake workers open and look at. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>

#include "../../../daemon/base/cleanup.h"
#include "../../../daemon/edge/hand/disk-open.h"
#include "../../../daemon/edge/hand/file-open.h"
#include "fake-worker-private.h"

static void begin_path(Worker *worker, const char *path, void *userdata)
{
    ck_assert_msg(!worker->step && !worker->path, "two things at a time of one worker");
    worker->path = g_strdup(path);
    worker->userdata = userdata;
}

/* A path below the dead one gets no answer before fake_workers_come_back(). */
static void run_path(Worker *worker, sd_event_handler_t handler)
{
    worker->hanging = worker->pool->dead && g_str_has_prefix(worker->path, worker->pool->dead);
    worker->handler = handler;
    worker->pool->asks++;
    if (!worker->hanging)
        fake_worker_run(worker, handler);
}

void fake_workers_die_below(WorkerPool *pool, const char *path)
{
    g_free(pool->dead);
    pool->dead = g_strdup(path);
}

unsigned fake_workers_asks(const WorkerPool *pool)
{
    return pool->asks;
}

static int on_open(sd_event_source *source, void *userdata)
{
    Worker *worker = userdata;
    WorkerPool *pool = worker->pool;
    g_autofree char *path = g_steal_pointer(&worker->path);
    g_autoptr(DiskSeen) seen = NULL;
    g_autoptr(GPtrArray) holders = NULL;
    int fd = -1;

    worker->wish.path = path;
    int r = disk_open(&(HolderPlace){pool->place.sys_fd, pool->place.dev_fd, pool->place.dev_fd},
                      &worker->wish, &seen, &holders, &fd);
    worker->turn = sd_event_source_disable_unref(worker->turn);
    if (worker->wish.how != DISK_HOW_OPEN)
        fd = close_fd(fd);
    worker->disk_opened(r, seen, holders, &fd, worker->userdata);
    close_fd(fd);
    return 0;
}

int worker_disk(Worker *worker, const DiskWish *wish, WorkerDiskOpened opened, void *userdata)
{
    if (worker->dead)
        return -ENOTCONN;
    begin_path(worker, wish->path, userdata);
    worker->wish = *wish;
    worker->disk_opened = opened;
    run_path(worker, on_open);
    return 0;
}

void fake_workers_put_kvmfr(WorkerPool *pool, uint64_t bytes)
{
    pool->kvmfr = bytes;
}

/* What this machine may not have: links and devices, whose like /dev/null is, and the group kvm. */
static int pretend(const Worker *worker, FileSeen **ret, int *ret_fd)
{
    *ret = g_new0(FileSeen, 1);
    (*ret)->mode = S_IFCHR | 0660;
    (*ret)->group = g_strdup("kvm");
    (*ret)->memory = worker->kind == FILE_KIND_KVMFR ? worker->pool->kvmfr : 0;
    *ret_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return 0;
}

static bool pretends(FileKind kind)
{
    return kind == FILE_KIND_LINK || kind == FILE_KIND_VHOST || kind == FILE_KIND_USB ||
           kind == FILE_KIND_KVMFR || kind == FILE_KIND_GROUP || kind == FILE_KIND_VFIO;
}

static int on_open_path(sd_event_source *source, void *userdata)
{
    Worker *worker = userdata;
    g_autofree char *what = g_steal_pointer(&worker->path);
    g_autoptr(FileSeen) seen = NULL;
    int fd = -1;
    int r = pretends(worker->kind) ? pretend(worker, &seen, &fd) : file_open(worker->kind, what, &seen, &fd);

    worker->turn = sd_event_source_disable_unref(worker->turn);
    if (!worker->keep)
        fd = close_fd(fd);
    worker->opened(r, seen, &fd, worker->userdata);
    close_fd(fd);
    return 0;
}

int worker_open(Worker *worker, FileKind kind, const char *what, bool keep, WorkerOpened opened,
                void *userdata)
{
    if (worker->dead)
        return -ENOTCONN;
    begin_path(worker, what, userdata);
    worker->kind = kind;
    worker->keep = keep;
    worker->opened = opened;
    run_path(worker, on_open_path);
    return 0;
}
