/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-open.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/definition/kvmfr-device.h"
#include "../../core/plan/disk-wish.h"
#include "../../core/plan/qcow2.h"
#include "display-socket.h"

/* KVMFR_DMABUF_GETSIZE of module/kvmfr.h in Looking Glass: the size is what it returns. Nothing in sysfs
 * tells. */
#define KVMFR_GET_SIZE _IO('u', 0x44)

/* The most telling name in a folder of udev's that leads to the device; NULL: there is none. */
static char *find_stable_name(const char *folder, dev_t device)
{
    g_autofree char *best = NULL;
    g_auto(GStrv) names = NULL;
    struct stat st;

    if (file_list_at(AT_FDCWD, folder, &names) < 0)
        return NULL;
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        bool number = g_str_has_prefix(*name, "wwn-") || g_str_has_prefix(*name, "nvme-eui.");
        if (stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device && (!best || !number)) {
            g_free(best);
            best = g_steal_pointer(&path);
        }
    }
    return g_steal_pointer(&best);
}

/* The kernel gives sda, nvme0n1 and their like in the order in which it finds disks: after the next boot
 * another disk may have the name, and the guest would write to that. A disk without another keeps it. */
static char *stable_name(const char *path, const struct stat *st)
{
    if (!S_ISBLK(st->st_mode) || !disk_path_fleeting(path))
        return NULL;
    return find_stable_name("/dev/disk/by-id", st->st_rdev)
               ?: find_stable_name("/dev/disk/by-path", st->st_rdev);
}

/* Where the disk would be made. */
static void note_room(const char *path, FileSeen *seen)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct statvfs fs;

    if (statvfs(folder, &fs) < 0)
        return;
    seen->room = (uint64_t)fs.f_blocks * fs.f_frsize;
    seen->free = (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* A disk is only looked at here, and may not be there yet. */
static int look_at_disk(const char *path, FileSeen *seen)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        int error = -errno;
        /* A link that leads nowhere exists all the same. */
        if (error != -ENOENT || lstat(path, &st) == 0)
            return error;
        note_room(path, seen);
        return 0;
    }
    seen->mode = st.st_mode;
    seen->stable = stable_name(path, &st);
    return 0;
}

static bool is_folder(FileKind kind)
{
    return kind == FILE_KIND_PLACE || kind == FILE_KIND_FOLDER;
}

/* The name alone, which touches nothing but what is mounted upon a folder's first use. */
static int open_name(FileKind kind, const char *path)
{
    struct open_how how = {
        .flags = O_CLOEXEC | O_PATH | (is_folder(kind) ? O_DIRECTORY : 0),
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    bool straight = kind == FILE_KIND_PLACE || kind == FILE_KIND_KVMFR;
    char *resolved = straight ? strdup(path) : realpath(path, NULL);
    if (!resolved)
        return -errno;
    int fd = syscall(SYS_openat2, AT_FDCWD, resolved, &how, sizeof(how));
    int r = fd < 0 ? -errno : fd;
    free(resolved);
    return r;
}

static bool is_of_kind(FileKind kind, unsigned mode)
{
    switch (kind) {
    case FILE_KIND_FILE:
    case FILE_KIND_COPY:
        return S_ISREG(mode);
    case FILE_KIND_SOCKET:
        return S_ISSOCK(mode) && (mode & 0006) == 0006;
    case FILE_KIND_KVMFR:
        return S_ISCHR(mode);
    default:
        return is_folder(kind);
    }
}

/* The same file whatever has become of its name (open(2), O_PATH). */
static int open_again(int name, int flags)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", name);
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

static int ask_kvmfr(int name, gid_t owner, FileSeen *seen)
{
    const struct group *group = getgrgid(owner);
    _cleanup_close_ int fd = open_again(name, O_RDWR | O_NONBLOCK);
    int size = fd < 0 ? fd : ioctl(fd, KVMFR_GET_SIZE, 0);

    seen->group = group ? g_strdup(group->gr_name) : NULL;
    seen->memory = MAX(size, 0);
    return fd < 0 ? fd : 0;
}

/* QEMU opens whatever path an image with its contents elsewhere names: with -blockdev, only a backing file
 * can be ruled out. */
static int look_at_image(int fd, off_t size, FileSeen *seen)
{
    uint8_t bytes[QCOW2_HEADER_BYTES];
    Qcow2Header header;
    ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

    if (n < 0)
        return -errno;
    seen->qcow2 = qcow2_read(bytes, n, &header) == 0;
    seen->size = seen->qcow2 ? header.size : (uint64_t)size;
    return seen->qcow2 && header.external_data ? -EMLINK : 0;
}

static int open_path(FileKind kind, const char *path, FileSeen *seen, int *ret_fd)
{
    struct stat st;

    if (path[0] != '/' || (kind == FILE_KIND_KVMFR && !kvmfr_device_valid(path)))
        return -EINVAL;
    _cleanup_close_ int name = open_name(kind, path);
    if (name < 0)
        return name;
    if (fstat(name, &st) < 0)
        return -errno;
    seen->mode = st.st_mode;
    if (!is_of_kind(kind, st.st_mode))
        return 0;
    if (kind == FILE_KIND_KVMFR)
        return ask_kvmfr(name, st.st_gid, seen);
    _cleanup_close_ int fd = kind == FILE_KIND_SOCKET ? steal_fd(&name) : open_again(name, O_RDONLY);
    if (fd < 0)
        return fd;
    int r = S_ISREG(st.st_mode) ? look_at_image(fd, st.st_size, seen) : 0;
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

static int copy_into(int to, int from, off_t size)
{
    while (size > 0) {
        ssize_t n = sendfile(to, from, NULL, size);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        size -= n;
    }
    return fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ? -errno : 0;
}

/* A copy in memory, which does not change any more, in the place of the file. */
static int copy_file(int *fd)
{
    _cleanup_close_ int from = steal_fd(fd);
    struct stat st;

    if (fstat(from, &st) < 0)
        return -errno;
    if (st.st_size > FILE_COPY_MAX)
        return -EFBIG;
    _cleanup_close_ int to = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r = to < 0 ? -errno : copy_into(to, from, st.st_size);
    if (r >= 0)
        *fd = steal_fd(&to);
    return r;
}

int file_open(FileKind kind, const char *what, FileSeen **ret, int *ret_fd)
{
    g_autoptr(FileSeen) seen = g_new0(FileSeen, 1);
    int fd = -1;
    int r = kind == FILE_KIND_USER      ? (getpwnam(what) ? 0 : -ENOENT)
            : kind == FILE_KIND_GROUP   ? (getgrnam(what) ? 0 : -ENOENT)
            : kind == FILE_KIND_DISPLAY ? display_socket_make(what, &fd)
            : kind != FILE_KIND_DISK    ? open_path(kind, what, seen, &fd)
            : what[0] == '/'            ? look_at_disk(what, seen)
                                        : -EINVAL;

    if (r >= 0 && kind == FILE_KIND_COPY && fd >= 0)
        r = copy_file(&fd);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&seen);
    *ret_fd = fd;
    return 0;
}
