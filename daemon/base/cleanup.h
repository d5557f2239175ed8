/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup attributes for what glib's g_autoptr does not cover: descriptors, streams, directories. How an
 * object is freed. */
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

/* Defines `Type *name(Type *object)`, which frees an object after the body that follows has given up its
 * parts. There is nothing to do for NULL, and NULL is what it returns, so that `thing = thing_free(thing)`
 * reads well. */
#define DEFINE_FREE(Type, name, object)                                                                      \
    static void name##_parts(Type *object);                                                                  \
    Type *name(Type *object)                                                                                 \
    {                                                                                                        \
        if (object) {                                                                                        \
            name##_parts(object);                                                                            \
            g_free(object);                                                                                  \
        }                                                                                                    \
        return NULL;                                                                                         \
    }                                                                                                        \
    static void name##_parts(Type *object)

/* The same for the elements of an array or a table: defines a GDestroyNotify, which is never called with
 * NULL. */
#define DEFINE_ELEMENT_FREE(Type, name, object)                                                              \
    static void name##_parts(Type *object);                                                                  \
    static void name(void *element)                                                                          \
    {                                                                                                        \
        name##_parts(element);                                                                               \
        g_free(element);                                                                                     \
    }                                                                                                        \
    static void name##_parts(Type *object)
