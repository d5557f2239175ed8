/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The test program as its own helpers: a folder in which usher-launch and usher-bind are links to it, and the
 * part that it plays when it is started by one of those names. */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../daemon/base/wire.h"

typedef struct PeerFolder {
    char path[32];
    char *socket; /* where helper.sock is to be */
} PeerFolder;

static inline void peer_folder_make(PeerFolder *folder)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

    strcpy(folder->path, "/tmp/usher-peer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder->path));
    g_autofree char *launch = g_build_filename(folder->path, "usher-launch", NULL);
    g_autofree char *bind_helper = g_build_filename(folder->path, "usher-bind", NULL);
    folder->socket = g_build_filename(folder->path, "helper.sock", NULL);
    ck_assert_int_eq(symlink(self, launch), 0);
    ck_assert_int_eq(symlink(self, bind_helper), 0);
}

static inline void peer_folder_remove(PeerFolder *folder)
{
    g_autofree char *command = g_strdup_printf("rm -rf %s", folder->path);

    ck_assert_int_eq(system(command), 0);
    g_clear_pointer(&folder->socket, g_free);
}

/* The test program's part as a helper; the result is its exit status. part: "usher-launch" or "usher-bind";
 * name: the guest's, else NULL. */
static int peer_play(const char *part, const char *name);

/* Before main(): glibc hands it the arguments. */
__attribute__((constructor)) static void peer_enter(int argc, char **argv)
{
    const char *part = strrchr(argv[0], '/');

    if (part && (g_str_equal(part, "/usher-launch") || g_str_equal(part, "/usher-bind")))
        _exit(peer_play(part + 1, argv[1]));
}

/* What a helper does, without any of the code under test. */

static inline int peer_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return fd;
}

/* One message of words joined by blanks. */
static inline bool peer_say(int fd, const char *line)
{
    size_t size = strlen(line) + 1;
    g_autofree char *bytes = g_strdelimit(g_strdup(line), " ", '\0');

    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* The next message as such a line, or NULL at the end. The caller frees it. */
static inline char *peer_hear(int fd)
{
    g_autofree char *bytes = g_malloc(WIRE_MESSAGE_MAX);
    ssize_t size = recv(fd, bytes, WIRE_MESSAGE_MAX, 0);

    if (size <= 0)
        return NULL;
    for (ssize_t i = 0; i < size - 1; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    return g_strdup(bytes);
}
