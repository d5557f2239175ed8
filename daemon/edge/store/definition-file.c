/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/file.h"

#define PROC_FD_MAX 32

static bool writable_by_others(const struct stat *st)
{
    return (st->st_uid != 0 && st->st_uid != geteuid()) || st->st_mode & (S_IWGRP | S_IWOTH);
}

static int refuse(const char *path, const struct stat *st, Fault **ret_fault)
{
    g_autofree char *remedy =
        g_strdup_printf("let only root write to it: chown root %s; chmod go-w %s", path, path);

    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "%s is ignored: users other than root can write to it (owner %u, mode %04o)", path,
                       st->st_uid, st->st_mode & 07777);
}

/* In a sticky folder nobody can replace root's files, only add some: that is enough for the folders further
 * above. */
static int check_folders(const char *path, Fault **ret_fault)
{
    g_autofree char *folder = g_path_get_dirname(path);
    bool above = false;
    struct stat st;

    while (!g_str_equal(folder, "/") && !g_str_equal(folder, ".")) {
        if (stat(folder, &st) < 0)
            return -errno;
        bool sticky = above && st.st_uid == 0 && st.st_mode & S_ISVTX;
        if (writable_by_others(&st) && !sticky)
            return refuse(folder, &st, ret_fault);
        char *next = g_path_get_dirname(folder);
        g_free(folder);
        folder = next;
        above = true;
    }
    return 0;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a FIFO" : S_ISSOCK(mode) ? "a socket" : "a device";
}

static int check(const char *path, int fd, Fault **ret_fault)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return fault_raise(ret_fault, FAULT_REFUSED, "remove it, or write a file in its place",
                           "%s is %s, not a file", path, kind_of(st.st_mode));
    if (writable_by_others(&st))
        return refuse(path, &st, ret_fault);
    return check_folders(path, ret_fault);
}

/* Whether the file lies outside the folder of the name that it has here. */
static bool leads_out(const char *path, const char *real)
{
    g_autofree char *folder = g_path_get_dirname(path), *real_folder = g_path_get_dirname(real);
    char resolved[PATH_MAX];

    return !realpath(folder, resolved) || !g_str_equal(resolved, real_folder);
}

int definition_file_read(const char *path, size_t limit, char **ret, size_t *ret_size, char **ret_link,
                         Fault **ret_fault)
{
    char name[PROC_FD_MAX], real[PATH_MAX];
    /* Not opened yet: opening a FIFO waits, and opening a device may do anything. */
    _cleanup_close_ int place = open(path, O_PATH | O_CLOEXEC);

    if (place < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", place);
    ssize_t length = readlink(name, real, sizeof(real) - 1);
    if (length < 0)
        return -errno;
    real[length] = '\0';
    int r = check(real, place, ret_fault);
    if (r == 0)
        r = file_read_all_at(AT_FDCWD, name, limit, ret, ret_size);
    if (r == 0)
        *ret_link = leads_out(path, real) ? g_strdup(real) : NULL;
    return r;
}
