/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"
#include "../../core/plan/qcow2.h"
#include "nvram.h"

static int copy(int from, int to)
{
    struct stat st;
    off_t at = 0;

    if (fstat(from, &st) < 0)
        return -errno;
    while (at < st.st_size) {
        ssize_t n = sendfile(to, from, &at, st.st_size - at);
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
    }
    return fsync(to) < 0 ? -errno : 0;
}

/* The name comes last, and by link(2), which replaces nothing: whoever finds the file finds all of it. */
int nvram_make(const char *path, int template)
{
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autofree char *temporary = g_strconcat(name, ".new", NULL);
    _cleanup_close_ int dir = file_open_dirs_at(AT_FDCWD, folder, 0755);
    if (dir < 0)
        return dir;
    if (unlinkat(dir, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    _cleanup_close_ int to = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return -errno;

    int r = copy(template, to);
    if (r >= 0 && linkat(dir, temporary, dir, name, 0) < 0 && errno != EEXIST)
        r = -errno;
    unlinkat(dir, temporary, 0);
    return r;
}

int nvram_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int nvram_size(const char *path, uint64_t *ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char header[QCOW2_HEADER_BYTES] = {};
    Qcow2Header qcow2;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || pread(fd, header, sizeof(header), 0) < 0)
        return -errno;
    *ret = qcow2_read(header, sizeof(header), &qcow2) == 0 ? qcow2.size : (uint64_t)st.st_size;
    return 0;
}
