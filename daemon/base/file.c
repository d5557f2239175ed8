/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "file.h"

#define VALUE_MAX (64 * 1024)

/* Reads to the end, or until there is more than limit, without trusting st_size, which is 4096 or 0 for sysfs
 * and procfs files. */
static int read_up_to(int fd, size_t limit, char **ret, size_t *ret_size)
{
    size_t size = 0, allocated = 4096;
    g_autofree char *buffer = g_malloc(allocated);

    while (size <= limit) {
        ssize_t n = read(fd, buffer + size, allocated - size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += n;
        if (size == allocated - 1)
            buffer = g_realloc(buffer, allocated *= 2);
    }
    buffer[size] = '\0';
    *ret = g_steal_pointer(&buffer);
    *ret_size = size;
    return 0;
}

static int read_file(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size)
{
    struct stat st;
    /* A FIFO that somebody has put in the place of a file is not to be waited for. */
    _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    return read_up_to(fd, limit, ret, ret_size);
}

int file_read_all_at(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size)
{
    g_autofree char *text = NULL;
    size_t size;
    int r = read_file(dirfd, path, limit, &text, &size);

    if (r < 0 || size > limit)
        return r < 0 ? r : -EFBIG;
    *ret = g_steal_pointer(&text);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int file_read_begin_at(int dirfd, const char *path, size_t limit, char **ret)
{
    g_autofree char *text = NULL;
    size_t size;
    int r = read_file(dirfd, path, limit, &text, &size);

    if (r < 0)
        return r;
    if (size > limit) {
        const char *newline = memrchr(text, '\n', limit);
        text[newline ? newline + 1 - text : 0] = '\0';
    }
    *ret = g_steal_pointer(&text);
    return 0;
}

int file_read_value_at(int dirfd, const char *path, char **ret)
{
    char *value;
    size_t size;
    int r = file_read_all_at(dirfd, path, VALUE_MAX, &value, &size);
    if (r < 0)
        return r;

    while (size > 0 && value[size - 1] == '\n')
        value[--size] = '\0';
    *ret = value;
    return 0;
}

int file_write_value_at(int dirfd, const char *path, const char *value)
{
    _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;

    /* One write: sysfs takes each write(2) as a whole value, so an interrupted one must not be continued. */
    ssize_t n = write(fd, value, strlen(value));
    if (n < 0)
        return -errno;
    return (size_t)n == strlen(value) ? 0 : -EIO;
}

int file_link_name_at(int dirfd, const char *path, char **ret)
{
    char target[4096];
    ssize_t n = readlinkat(dirfd, path, target, sizeof target);
    if (n < 0)
        return -errno;
    if ((size_t)n == sizeof target)
        return -ENAMETOOLONG;

    target[n] = '\0';
    *ret = g_path_get_basename(target);
    return 0;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        left -= n;
    }
    return 0;
}

int file_replace_at(int dirfd, const char *path, const char *text, mode_t mode)
{
    g_autofree char *temporary = g_strconcat(path, ".new", NULL);
    int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;

    /* One that was left there may be open to others. */
    int r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, text);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    close_fd(fd);
    if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dirfd, temporary, 0);
    return r;
}

int file_open_dirs_at(int dirfd, const char *path, mode_t mode)
{
    g_autofree char *copy = g_strdup(path);

    for (char *slash = copy + 1; *copy && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    if (mkdirat(dirfd, path, mode) < 0 && errno != EEXIST)
        return -errno;

    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool file_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_list_at(int dirfd, const char *path, char ***ret)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    _cleanup_closedir_ DIR *dir = fdopendir(fd);
    if (!dir) {
        close_fd(fd);
        return -ENOMEM;
    }

    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry && errno != 0)
            return -errno;
        if (!entry)
            break;
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    *ret = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    return 0;
}
