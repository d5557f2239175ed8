/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-make.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../core/plan/qcow2.h"

static int open_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd = syscall(SYS_openat2, AT_FDCWD, folder, &how, sizeof(how));

    return fd < 0 ? -errno : fd;
}

static int write_image(int fd, const DiskWish *wish)
{
    uint64_t length = wish->size;

    if (wish->format == DISK_FORMAT_QCOW2) {
        g_autoptr(GByteArray) image = qcow2_new(
            wish->size, wish->backing, wish->backing_format == DISK_FORMAT_QCOW2 ? "qcow2" : "raw", &length);
        if (!image)
            return -ENAMETOOLONG;
        ssize_t n = write(fd, image->data, image->len);
        if (n < 0)
            return -errno;
        if ((size_t)n < image->len)
            return -ENOSPC;
    }
    return ftruncate(fd, length) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Where a file system cannot refuse to replace (NFS: EINVAL, renameat2(2)), a second name does. */
static int give_name(int folder, const char *from, const char *to)
{
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    if (linkat(folder, from, folder, to, 0) < 0)
        return -errno;
    unlinkat(folder, from, 0);
    return 0;
}

int disk_make(const char *path, const DiskWish *wish)
{
    g_autofree char *name = g_path_get_basename(path), *temporary = g_strdup_printf(".%s.usher-new", name);
    _cleanup_close_ int folder = open_folder(path);
    if (folder < 0)
        return folder;

    /* What is left of a try that was cut short. */
    if (unlinkat(folder, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    _cleanup_close_ int fd =
        openat(folder, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_image(fd, wish);
    if (r >= 0)
        r = give_name(folder, temporary, name);
    if (r < 0) {
        unlinkat(folder, temporary, 0);
        return r;
    }
    return fsync(folder) < 0 ? -errno : steal_fd(&fd);
}
