/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens what QEMU gets as descriptors, one after the other: sockets and logs here; what the definition names,
 * and the network's links, by usher-bind; disks are open already. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../edge/qemu/nvram.h"
#include "private.h"

/* Below its run folder. */
#define CONSOLE_PIPE "console.pipe"

static void open_next(Guest *g);

static void close_element(void *fd)
{
    close_fd(*(int *)fd);
}

static const QemuFile *current_file(const Guest *g)
{
    return qemu_command_file(g->run->command, g->run->fds->len);
}

void guest_close_files(Guest *g)
{
    g->run->sound_fd = close_fd(g->run->sound_fd);
    g->run->opener = opener_free(g->run->opener);
    g_clear_pointer(&g->run->fds, g_array_unref);
    g->run->command = qemu_command_free(g->run->command);
}

static void fail(Guest *g, int error)
{
    const QemuFile *file = current_file(g);
    const char *path = file->path;
    Fault *fault = g->run->opener ? opener_fault(g->run->opener, error, g->name, path) : NULL;

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

static void take(Guest *g, int fd)
{
    g_array_append_val(g->run->fds, fd);
    open_next(g);
}

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;

    if (error < 0)
        fail(g, error);
    else
        take(g, steal_fd(fd));
}

/* What usherd may not open, or what may never answer. */
static void open_by_worker(Guest *g, const QemuFile *file)
{
    if (!g->run->opener)
        g->run->opener = opener_new(g->engine, false);
    if (file->kind == QEMU_FILE_LINK)
        opener_open_link(g->run->opener, file->path, on_opened, g);
    else if (file->kind == QEMU_FILE_VHOST_NET)
        opener_open_device(g->run->opener, file->path, on_opened, g);
    else
        opener_open(g->run->opener, file->kind == QEMU_FILE_FOLDER ? FILE_KIND_FOLDER : FILE_KIND_FILE,
                    file->path, on_opened, g);
}

static char *console_log_name(const Guest *g)
{
    return g_strconcat(g->name, ".console.log", NULL);
}

static int keep_console_log(Guest *g)
{
    g_autofree char *name = console_log_name(g);

    if (g->run->console_log)
        return 0;
    const GuestLogPlace place = {g->folder_fd, CONSOLE_PIPE, g->engine->log_fd, name, GUEST_LOG_LIMIT};
    return guest_log_open(g->engine->event, &place, NULL, NULL, &g->run->console_log);
}

int guest_open_console_log(Guest *g)
{
    int r = keep_console_log(g);

    if (r < 0)
        return r;
    int fd = fcntl(guest_log_fd(g->run->console_log), F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

void guest_find_console_log(Guest *g)
{
    g_autofree char *name = console_log_name(g);

    if (faccessat(g->folder_fd, CONSOLE_PIPE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    int r = keep_console_log(g);
    if (r < 0)
        log_guest(LOG_WARNING, g->name, "cannot go on with %s: %s", name, strerror(-r));
}

static int begin_console_log(Guest *g)
{
    _cleanup_close_ int fd = guest_open_console_log(g);

    if (fd < 0)
        return fd;
    guest_log_begin(g->run->console_log);
    return steal_fd(&fd);
}

static int dup_disk(Guest *g, const QemuFile *file)
{
    bool block = false;

    int fd = guest_dup_disk(g, file->path, file->read_only, &block);
    if (fd >= 0 && block)
        qemu_command_set_block_device(g->run->command, file->fd);
    return fd;
}

/* What usherd has or opens itself: a descriptor or -errno. False: it is another's to open. */
static bool open_own(Guest *g, const QemuFile *file, int *ret)
{
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
        *ret = begin_console_log(g);
        return true;
    case QEMU_FILE_COMPANION:
        *ret = companions_connect(g->run->companions, companion);
        return true;
    case QEMU_FILE_QEMU:
        *ret = companions_take_listener(g->run->companions, file->companion);
        return true;
    case QEMU_FILE_NVRAM:
        *ret = nvram_open(file->path, file->template);
        return true;
    case QEMU_FILE_DISK:
        *ret = dup_disk(g, file);
        return true;
    case QEMU_FILE_SOUND:
        *ret = steal_fd(&g->run->sound_fd);
        return true;
    default:
        return false;
    }
}

static void open_next(Guest *g)
{
    const QemuFile *file = current_file(g);
    int fd;

    if (!file) {
        g->run->opener = opener_free(g->run->opener);
        guest_start_companions(g);
    } else if (!open_own(g, file, &fd)) {
        open_by_worker(g, file);
    } else if (fd < 0) {
        fail(g, fd);
    } else {
        take(g, fd);
    }
}

void guest_open_files(Guest *g, QemuCommand *command)
{
    g->run->command = command;
    g->run->fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(g->run->fds, close_element);
    open_next(g);
}
