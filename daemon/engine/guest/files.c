/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that opens what QEMU gets as descriptors, one after the other: sockets and logs here;
 * what the definition names, and the network's links, by usher-bind; disks are open already. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/qemu/nvram.h"
#include "private.h"

static void open_next(Run *run);

static void close_element(void *fd)
{
    close_fd(*(int *)fd);
}

static const QemuFile *current_file(const Run *run)
{
    return qemu_command_file(run->start.command, run->start.fds->len);
}

static void fail(Run *run, int error)
{
    Guest *g = run->guest;
    const QemuFile *file = current_file(run);
    const char *path = file->path;
    Fault *fault = run->start.opener ? opener_fault(run->start.opener, error, g->name, path) : NULL;

    if (fault)
        guest_fail(g, fault);
    else if (file->kind == QEMU_FILE_LINK && error == -EBUSY)
        guest_fail(g, fault_new(FAULT_IN_USE, "stop whoever has it open, or name another one",
                                "guest %s: network link %s is in use on the host", g->name, path));
    else if (file->kind == QEMU_FILE_LINK || file->kind == QEMU_FILE_VHOST_NET)
        guest_fail(g, fault_new(FAULT_FAILED, "see journalctl -k, and journalctl -u 'usher-bind@*'",
                                "guest %s: cannot open %s: %s", g->name, path, g_strerror(-error)));
    else if (file->kind == QEMU_FILE_FOLDER)
        guest_fail(g, fault_new(FAULT_MISSING_FILE, "is the path right, and is it a folder?",
                                "guest %s: cannot open %s, which is to be shared: %s", g->name, path,
                                g_strerror(-error)));
    else
        guest_fail(g, fault_new(FAULT_MISSING_FILE, "is the path right, and is it a file or a disk?",
                                "guest %s: cannot open %s: %s", g->name, path ?: "its sockets and logs",
                                g_strerror(-error)));
}

static void take(Run *run, int fd)
{
    g_array_append_val(run->start.fds, fd);
    open_next(run);
}

static void on_opened(int error, int *fd, void *userdata)
{
    Run *run = userdata;

    if (error < 0)
        fail(run, error);
    else
        take(run, steal_fd(fd));
}

/* What usherd may not open, or what may never answer. */
static void open_by_worker(Run *run, const QemuFile *file)
{
    if (!run->start.opener)
        run->start.opener = opener_new(run->guest->engine, false);
    if (file->kind == QEMU_FILE_LINK)
        opener_open_link(run->start.opener, file->path, on_opened, run);
    else if (file->kind == QEMU_FILE_VHOST_NET)
        opener_open_device(run->start.opener, file->path, on_opened, run);
    else
        opener_open(run->start.opener, file->kind == QEMU_FILE_FOLDER ? FILE_KIND_FOLDER : FILE_KIND_FILE,
                    file->path, on_opened, run);
}

static int dup_disk(Run *run, const QemuFile *file)
{
    bool block = false;

    int fd = guest_dup_disk(run->guest, file->path, file->read_only, file->direct, &block);
    if (fd >= 0 && block)
        qemu_command_set_block_device(run->start.command, file->fd);
    return fd;
}

/* What usherd has or opens itself: a descriptor or -errno. False: it is another's to open. */
static bool open_own(Run *run, const QemuFile *file, int *ret)
{
    Guest *g = run->guest;
    g_autofree char *qmp = guest_run_path(g, "qmp.sock"), *console = guest_run_path(g, "console.sock"),
                    *agent = guest_run_path(g, "agent.sock"),
                    *companion = guest_run_path(g, "companion.sock");

    switch (file->kind) {
    case QEMU_FILE_QMP:
        *ret = qmp_listen(qmp);
        return true;
    case QEMU_FILE_CONSOLE:
        *ret = qmp_listen(console);
        return true;
    case QEMU_FILE_AGENT:
        *ret = qmp_listen(agent);
        return true;
    case QEMU_FILE_CONSOLE_LOG:
        *ret = guest_begin_console_log(g);
        return true;
    case QEMU_FILE_COMPANION:
        *ret = companions_connect(run->companions, companion);
        return true;
    case QEMU_FILE_QEMU:
        *ret = companions_take_listener(run->companions, file->companion);
        return true;
    case QEMU_FILE_NVRAM:
        *ret = nvram_open(file->path, file->template);
        return true;
    case QEMU_FILE_DISK:
        *ret = dup_disk(run, file);
        return true;
    case QEMU_FILE_SOUND:
        *ret = steal_fd(&run->start.sound_fd);
        return true;
    default:
        return false;
    }
}

static void open_next(Run *run)
{
    const QemuFile *file = current_file(run);
    int fd;

    if (!file) {
        phase_opener_off(run);
        start_phase_done(run);
    } else if (!open_own(run, file, &fd)) {
        open_by_worker(run, file);
    } else if (fd < 0) {
        fail(run, fd);
    } else {
        take(run, fd);
    }
}

void phase_files(Run *run)
{
    run->start.fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(run->start.fds, close_element);
    open_next(run);
}

void phase_files_off(Run *run)
{
    phase_opener_off(run);
    g_clear_pointer(&run->start.fds, g_array_unref);
    run->start.command = qemu_command_free(run->start.command);
}
