/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-host-private.h"

void fake_tree_make(int dirfd, const char *path)
{
    g_autofree char *part = g_strdup(path);
    for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ck_assert(mkdirat(dirfd, part, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    ck_assert_msg(mkdirat(dirfd, part, 0755) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
}

static void make_parent(int dirfd, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);
    fake_tree_make(dirfd, parent);
}

static void put_mode(int dirfd, const char *path, const char *text, int flags)
{
    int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 && errno == ENOENT) {
        make_parent(dirfd, path);
        fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    }
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

void fake_tree_put(int dirfd, const char *path, const char *text)
{
    put_mode(dirfd, path, text, O_TRUNC);
}

void fake_tree_append(int dirfd, const char *path, const char *text)
{
    put_mode(dirfd, path, text, O_APPEND);
}

void fake_tree_link(int dirfd, const char *path, const char *target)
{
    GString *way = g_string_new(NULL);
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
        g_string_append(way, "../");
    g_string_append(way, target);
    int r = symlinkat(way->str, dirfd, path);
    if (r < 0 && errno == ENOENT) {
        make_parent(dirfd, path);
        r = symlinkat(way->str, dirfd, path);
    }
    ck_assert_msg(r == 0, "%s: %s", path, strerror(errno));
    g_string_free(way, TRUE);
}

char *fake_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return text;
}
