/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of a test's own. */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The caller frees the path and takes the folder away. In memory, where there is such a place: thousands of
 * small files are made and removed ten times as fast. */
static inline char *scratch_new(const char *name)
{
    bool memory = !g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0;
    char *path = g_strdup_printf("%s/usher-%s-XXXXXX", memory ? "/dev/shm" : g_get_tmp_dir(), name);
    ck_assert_msg(mkdtemp(path), "%s", path);
    return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

/* A tree, and all that is in it; links are not followed. */
static inline void scratch_remove(const char *path)
{
    nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A socket that anybody may connect to, and where nobody listens. */
static inline void scratch_put_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_uint_lt(g_strlcpy(address.sun_path, path, sizeof(address.sun_path)), sizeof(address.sun_path));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(chmod(path, 0777), 0);
    close(fd);
}

/* One that is open, and goes with the test that has it. */
typedef struct Folder {
    char *path;
    int fd;
} Folder;

static inline Folder folder_new(void)
{
    Folder folder = {.path = scratch_new("folder")};
    folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(folder.fd, 0);
    return folder;
}

static inline void folder_free(Folder *folder)
{
    close(folder->fd);
    scratch_remove(folder->path);
    g_free(folder->path);
}

#define A_FOLDER __attribute__((cleanup(folder_free))) Folder folder = folder_new()
