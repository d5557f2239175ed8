/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-open.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../core/plan/qcow2.h"
#include "disk-geometry.h"
#include "disk-make.h"
#include "holder-disk.h"

/* QEMU locks bytes of an image: one for each thing that it does with the image, and one for each that others
 * must not do (block/file-posix.c, RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE; the numbers are those of
 * BLK_PERM_*). */
enum {
    LOCK_READS = 100,
    LOCK_WRITES = 101,
    LOCK_NO_READING = 200,
    LOCK_NO_WRITING = 201,
};

static int resolve(const char *path, char **ret)
{
    if (!disk_path_device(path)) {
        *ret = g_strdup(path);
        return 0;
    }
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return -errno;
    if (!disk_path_device(resolved)) {
        free(resolved);
        return -ELOOP;
    }
    *ret = resolved;
    return 0;
}

static int open_resolved(const char *path, bool writable)
{
    /* Without O_NONBLOCK a FIFO in the place of the file would hold us up. O_EXCL means nothing to files. */
    struct open_how how = {
        .flags = (writable ? O_RDWR : O_RDONLY) | O_EXCL | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    _cleanup_close_ int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (fd < 0)
        return -errno;

    int status = fcntl(fd, F_GETFL);
    if (status < 0 || fcntl(fd, F_SETFL, status & ~O_NONBLOCK) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* The same, by its name alone. */
static int name_resolved(const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

static int open_wished(const char *path, const DiskWish *wish)
{
    bool device = disk_path_device(path);

    if (wish->how == DISK_HOW_ASK && device)
        return name_resolved(path);
    return open_resolved(path, wish->writable && (wish->how == DISK_HOW_OPEN || !device));
}

static char *id_of(const struct stat *st)
{
    if (S_ISBLK(st->st_mode))
        return g_strdup_printf("b%u:%u", major(st->st_rdev), minor(st->st_rdev));
    return g_strdup_printf("f%u:%u:%" G_GUINT64_FORMAT, major(st->st_dev), minor(st->st_dev),
                           (uint64_t)st->st_ino);
}

static int check_kind(const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    return S_ISREG(st->st_mode) || S_ISBLK(st->st_mode) ? 0 : -ENOTBLK;
}

/* The name still leads to the disk that was opened. */
static int check_again(const char *path, const char *resolved, const struct stat *opened)
{
    g_autofree char *now = NULL;
    struct stat st;

    if (!S_ISBLK(opened->st_mode))
        return 0;
    int r = resolve(path, &now);
    if (r < 0)
        return r;
    if (stat(now, &st) < 0)
        return -errno;
    return g_str_equal(now, resolved) && S_ISBLK(st.st_mode) && st.st_rdev == opened->st_rdev ? 0 : -ESTALE;
}

/* What the image says of itself. */
static int look_into(int fd, const DiskWish *wish, DiskSeen *seen)
{
    uint8_t bytes[MAX(QCOW2_HEADER_BYTES, QCOW2_NAME_BYTES)];
    Qcow2Header header;

    seen->look = DISK_LOOK_PLAIN;
    if (wish->format != DISK_FORMAT_QCOW2)
        return 0;
    ssize_t n = pread(fd, bytes, QCOW2_HEADER_BYTES, 0);
    if (n < 0)
        return -errno;
    int r = qcow2_read(bytes, n, &header);
    seen->look = r == -EINVAL           ? DISK_LOOK_NO_QCOW2
                 : r < 0                ? DISK_LOOK_BROKEN
                 : header.external_data ? DISK_LOOK_EXTERNAL
                                        : DISK_LOOK_QCOW2;
    if (seen->look != DISK_LOOK_QCOW2 || header.name_size == 0)
        return 0;
    n = pread(fd, bytes, header.name_size, header.name_offset);
    if (n < 0)
        return -errno;
    if (n < (ssize_t)header.name_size)
        seen->look = DISK_LOOK_BROKEN;
    else
        seen->backing = qcow2_name(bytes, n);
    return 0;
}

/* From QEMU 9.1 on, a descriptor in an fd-set must have O_DIRECT itself if the image is to be opened with it
 * (monitor_fdset_dup_fd_add(), monitor/fds.c; lxc/incus#1196). Set only now, as reading with O_DIRECT wants
 * aligned memory. */
static int set_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    if (fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
        return errno == EINVAL ? -EOPNOTSUPP : -errno;
    return 0;
}

/* Whether somebody holds the lock; not who (OFD locks belong to no process, fcntl(2)). */
static bool locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Whether a QEMU that usher does not know of has the file. */
static bool used_by_qemu(int fd, bool writable)
{
    if (locked(fd, LOCK_WRITES))
        return true;
    return writable ? locked(fd, LOCK_NO_WRITING) : locked(fd, LOCK_NO_READING);
}

/* Adds users who make no claim on the disk, and so do not keep us from opening it. */
static void add_disk_users(const HolderPlace *place, const DiskWish *wish, int fd, const struct stat *st,
                           GPtrArray *holders)
{
    unsigned major = major(st->st_rdev), minor = minor(st->st_rdev);

    holder_disk_add_kernel(place, major, minor, holders);
    if (holders->len == 0 && wish->how != DISK_HOW_ASK && used_by_qemu(fd, wish->writable))
        holder_disk_add_processes(place, major, minor, holders);
}

/* Whether QEMU writes to the file, a loop device is over the file or disk, or the disk is exported. */
static int check_users(const HolderPlace *place, const DiskWish *wish, int fd, const struct stat *st,
                       GPtrArray **ret_holders)
{
    g_autoptr(GPtrArray) holders = holders_new();
    bool used = S_ISREG(st->st_mode) && used_by_qemu(fd, wish->writable);

    if (used)
        holder_scan_file(place, wish->path, st, holders);
    if (S_ISREG(st->st_mode) && wish->writable)
        holder_disk_add_loops(place, wish->path, holders);
    if (S_ISBLK(st->st_mode))
        add_disk_users(place, wish, fd, st, holders);
    if (!used && holders->len == 0)
        return 0;
    *ret_holders = g_steal_pointer(&holders);
    return 1;
}

/* The kernel says that a disk is taken: finds out by whom. */
static int tell_users(const HolderPlace *place, const char *path, DiskSeen *seen, GPtrArray **ret_holders)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISBLK(st.st_mode))
        return -EBUSY;
    seen->id = id_of(&st);
    int r = holder_scan_disk(place, major(st.st_rdev), minor(st.st_rdev), ret_holders);
    return r < 0 ? r : 1;
}

int disk_open(const HolderPlace *place, const DiskWish *wish, DiskSeen **ret_seen, GPtrArray **ret_holders,
              int *ret_fd)
{
    g_autoptr(DiskSeen) seen = g_new0(DiskSeen, 1);
    g_autofree char *path = NULL;
    struct stat st;

    int r = resolve(wish->path, &path);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = open_wished(path, wish);
    if (fd == -ENOENT && wish->size > 0 && !disk_path_device(path)) {
        fd = disk_make(path, wish);
        seen->made = fd >= 0;
    }
    if (fd == -EBUSY)
        r = tell_users(place, path, seen, ret_holders);
    else if (fd < 0)
        r = fd;
    else if (fstat(fd, &st) < 0)
        r = -errno;
    else
        r = check_kind(&st);
    if (fd >= 0 && r == 0) {
        seen->id = id_of(&st);
        r = check_again(wish->path, path, &st);
        if (S_ISBLK(st.st_mode))
            seen->geometry = disk_geometry_read(place->sys_fd, major(st.st_rdev), minor(st.st_rdev));
    }
    if (fd >= 0 && r == 0)
        r = check_users(place, wish, fd, &st, ret_holders);
    if (fd >= 0 && r == 0 && wish->how == DISK_HOW_ASK && S_ISBLK(st.st_mode))
        seen->look = DISK_LOOK_UNSEEN;
    else if (fd >= 0 && r == 0)
        r = look_into(fd, wish, seen);
    if (fd >= 0 && r == 0 && wish->direct && seen->look != DISK_LOOK_UNSEEN)
        r = set_direct(fd);
    if (r < 0)
        return r;
    *ret_seen = g_steal_pointer(&seen);
    *ret_fd = r == 0 ? steal_fd(&fd) : -1;
    return r;
}
