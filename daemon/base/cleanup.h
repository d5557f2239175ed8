/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup attributes for what glib's g_autoptr does not cover: descriptors, streams, directories. */
#pragma once

#include <dirent.h>
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

/* Closes fd unless it is negative, keeps errno, and returns -1, so that `fd = close_fd(fd)` reads well. */
int close_fd(int fd);

/* Hands a descriptor on: returns *fd and leaves -1 behind. */
static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void cleanup_close(int *fd)
{
    close_fd(*fd);
}

static inline void cleanup_closedir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static inline void cleanup_fclose(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_closedir_ __attribute__((cleanup(cleanup_closedir)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))
