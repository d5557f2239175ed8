/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that has opened what is there only after its steps (links that these have made, the
 * own nodes of its devices), and puts what QEMU gets into the order of its command: files are open already
 * (files.c), sockets and logs are made here. */
#include "../../base/cleanup.h"
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
    const char *path = current_file(run)->path;

    guest_fail(g, fault_new(FAULT_FAILED, "is there room in /run?", "guest %s: cannot open %s: %s", g->name,
                            path ?: "its sockets and logs", g_strerror(-error)));
}

static void take(Run *run, int fd)
{
    g_array_append_val(run->start.fds, fd);
    open_next(run);
}

static FileKind kind_of(const QemuFile *file)
{
    return file->kind == QEMU_FILE_LINK ? FILE_KIND_LINK : FILE_KIND_VFIO;
}

static void on_opened(int error, const FileSeen *seen, int *fd, void *userdata)
{
    Run *run = userdata;
    const QemuFile *file = current_file(run);
    FileWish wish = {.kind = kind_of(file), .path = (char *)file->path};
    Fault *fault = opener_fault(run->start.opener, error, run->guest->name, wish.path);

    if (!fault)
        file_wish_judge(run->definition, &wish, error, seen, &fault);
    if (fault)
        guest_fail(run->guest, fault);
    else
        take(run, steal_fd(fd));
}

/* A step has made it. */
static void open_made(Run *run, const QemuFile *file)
{
    if (!run->start.opener)
        run->start.opener = opener_new(run->guest->engine, false);
    opener_open(run->start.opener, kind_of(file), file->path, on_opened, run);
}

static int dup_disk(Run *run, const QemuFile *file)
{
    bool block = false;
    DiskGeometry geometry;

    int fd =
        file_gate_dup_disk(run->start.files, file->path, file->read_only, file->direct, &block, &geometry);
    if (fd >= 0 && block)
        qemu_command_set_block_device(run->start.command, file->fd, &geometry);
    return fd;
}

static int listen_at(const Guest *g, const char *name)
{
    g_autofree char *path = guest_run_path(g, name);

    return qmp_listen(path);
}

static int connect_companion(const Run *run)
{
    g_autofree char *path = guest_run_path(run->guest, "companion.sock");

    return companions_connect(run->companions, path);
}

/* A descriptor or -errno; -ENOENT of a link or a device: a step has made it. */
static int get(Run *run, const QemuFile *file)
{
    Guest *g = run->guest;
    FileGate *files = run->start.files;

    switch (file->kind) {
    case QEMU_FILE_QMP:
        return listen_at(g, "qmp.sock");
    case QEMU_FILE_CONSOLE:
        return listen_at(g, "console.sock");
    case QEMU_FILE_AGENT:
        return listen_at(g, "agent.sock");
    case QEMU_FILE_CONSOLE_LOG:
        return guest_begin_console_log(g);
    case QEMU_FILE_COMPANION:
        return connect_companion(run);
    case QEMU_FILE_QEMU:
        return companions_take_listener(run->companions, file->companion);
    case QEMU_FILE_NVRAM:
        return steal_fd(&run->start.nvram_fd);
    case QEMU_FILE_DISK:
        return dup_disk(run, file);
    case QEMU_FILE_FOLDER:
        return file_gate_dup(files, FILE_KIND_FOLDER, file->path);
    case QEMU_FILE_SOUND:
        return file_gate_dup(files, FILE_KIND_SOCKET, file->path);
    case QEMU_FILE_LINK:
        return file_gate_dup(files, FILE_KIND_LINK, file->path);
    case QEMU_FILE_IOMMUFD:
    case QEMU_FILE_VFIO:
        return -ENOENT;
    case QEMU_FILE_VHOST_NET:
        return file_gate_dup(files, FILE_KIND_VHOST, file->path);
    default:
        return file_gate_dup(files, FILE_KIND_FILE, file->path);
    }
}

static void open_next(Run *run)
{
    const QemuFile *file = current_file(run);

    if (!file) {
        run->start.opener = opener_free(run->start.opener);
        start_phase_done(run);
        return;
    }
    int fd = get(run, file);
    bool node = file->kind == QEMU_FILE_IOMMUFD || file->kind == QEMU_FILE_VFIO;
    if (fd == -ENOENT && (node || file->kind == QEMU_FILE_LINK))
        open_made(run, file);
    else if (fd < 0)
        fail(run, fd);
    else
        take(run, fd);
}

void phase_links(Run *run)
{
    run->start.fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(run->start.fds, close_element);
    open_next(run);
}

void phase_links_off(Run *run)
{
    run->start.opener = opener_free(run->start.opener);
    g_clear_pointer(&run->start.fds, g_array_unref);
    run->start.command = qemu_command_free(run->start.command);
}
