/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../core/definition/handle.h"
#include "own-folder.h"

/* A viewer of SPICE opens up to ten channels at once. */
#define BACKLOG 32

static int find_owner(const char *word, uid_t *ret)
{
    const struct passwd *user;
    guint64 number;

    if (word[0] == '+') {
        if (!g_ascii_string_to_unsigned(word + 1, 10, 0, UINT32_MAX - 1, &number, NULL))
            return -EINVAL;
        *ret = number;
        return 0;
    }
    if (!(user = getpwnam(word)))
        return -ENOENT;
    *ret = user->pw_uid;
    return 0;
}

/* "win10.spice" */
static bool name_valid(const char *name)
{
    const char *dot = strrchr(name, '.');
    g_autofree char *guest = g_strndup(name, dot ? dot - name : 0);

    return guest_name_valid(guest);
}

static int open_folder(const char *path)
{
    struct stat st;
    _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return own_folder(&st) ? steal_fd(&fd) : -EPERM;
}

/* The mode comes before bind(2), which takes it over, and the owner before the name by which others know it.
 * The way through /proc is short, however long the folder's path is. */
static int listen_at(int folder, const char *name, uid_t owner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || fchmod(fd, 0600) < 0)
        return -errno;
    if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name) >=
        (int)sizeof(address.sun_path))
        return -ENAMETOOLONG;
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchownat(folder, name, owner, -1, AT_SYMLINK_NOFOLLOW) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return steal_fd(&fd);
}

int display_socket_make(const char *what, int *ret_fd)
{
    const char *colon = strchr(what, ':'), *slash = strrchr(what, '/');
    uid_t owner;

    if (!colon || !slash || slash < colon || !name_valid(slash + 1))
        return -EINVAL;
    g_autofree char *user = g_strndup(what, colon - what), *path = g_strndup(colon + 1, slash - colon - 1),
                    *new = g_strconcat(slash + 1, ".new", NULL);
    int r = find_owner(user, &owner);
    if (r < 0)
        return r;
    _cleanup_close_ int folder = open_folder(path);
    if (folder < 0)
        return folder;
    _cleanup_close_ int fd = listen_at(folder, new, owner);
    if (fd < 0)
        return fd;
    if (renameat(folder, new, folder, slash + 1) < 0)
        return -errno;
    *ret_fd = steal_fd(&fd);
    return 0;
}
