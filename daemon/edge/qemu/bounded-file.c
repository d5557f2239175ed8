/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bounded-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"

struct BoundedFile {
    int dir_fd, fd;
    char *name, *old_name;
    size_t limit;
    bool complained;
};

/* O_NONBLOCK alone does not keep out a FIFO, which somebody may have put there: fstat(2) does. */
static int open_at(int dir_fd, const char *name, int flags)
{
    struct stat st;
    _cleanup_close_ int fd =
        openat(dir_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EINVAL;
}

DEFINE_FREE(BoundedFile, bounded_file_close, file)
{
    close_fd(file->fd);
    close_fd(file->dir_fd);
    g_free(file->name);
    g_free(file->old_name);
}

static int open_file(BoundedFile *file)
{
    int fd = open_at(file->dir_fd, file->name, O_RDWR | O_APPEND | O_CREAT);

    if (fd < 0)
        return fd;
    close_fd(file->fd);
    file->fd = fd;
    return 0;
}

int bounded_file_open(int dir_fd, const char *name, size_t limit, BoundedFile **ret)
{
    BoundedFile *file = g_new0(BoundedFile, 1);

    *file = (BoundedFile){.fd = -1, .limit = limit};
    file->name = g_strdup(name);
    file->old_name = g_strconcat(name, ".1", NULL);
    file->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    int r = file->dir_fd < 0 ? -errno : open_file(file);
    if (r < 0) {
        bounded_file_close(file);
        return r;
    }
    *ret = file;
    return 0;
}

static void complain(BoundedFile *file, const char *what, int error)
{
    if (!file->complained)
        log_warning("%s of %s is lost: %s", what, file->name, strerror(error));
    file->complained = true;
}

size_t bounded_file_size(const BoundedFile *file)
{
    struct stat st;

    return fstat(file->fd, &st) < 0 ? 0 : st.st_size;
}

/* The bound holds even where nothing can be set aside. */
static void set_aside(BoundedFile *file)
{
    int r = renameat(file->dir_fd, file->name, file->dir_fd, file->old_name) < 0 ? -errno : open_file(file);

    if (r >= 0)
        return;
    complain(file, "the old part", -r);
    if (ftruncate(file->fd, 0) < 0)
        complain(file, "the new part", errno);
}

void bounded_file_append(BoundedFile *file, const char *bytes, size_t size)
{
    struct stat st;

    /* logrotate, or a person, moved it away. */
    if (fstat(file->fd, &st) == 0 && st.st_nlink == 0)
        open_file(file);
    if (bounded_file_size(file) + size > file->limit)
        set_aside(file);
    while (size > 0) {
        ssize_t n = write(file->fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            complain(file, "some", errno);
            return;
        }
        bytes += n;
        size -= n;
    }
    file->complained = false;
}

int bounded_file_empty(BoundedFile *file)
{
    if (unlinkat(file->dir_fd, file->old_name, 0) < 0 && errno != ENOENT)
        return -errno;
    return ftruncate(file->fd, 0) < 0 ? -errno : 0;
}

/* Reads the end of one of the two files. */
static size_t read_end(int fd, char *bytes, size_t max)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return 0;
    ssize_t n = pread(fd, bytes, max, MAX(st.st_size - (off_t)max, 0));
    return MAX(n, 0);
}

size_t bounded_file_tail(const BoundedFile *file, char *bytes, size_t max)
{
    size_t size = MIN(bounded_file_size(file), max);
    _cleanup_close_ int old = size < max ? open_at(file->dir_fd, file->old_name, O_RDONLY) : -1;
    size_t before = old < 0 ? 0 : read_end(old, bytes, max - size);

    return before + read_end(file->fd, bytes + before, size);
}
