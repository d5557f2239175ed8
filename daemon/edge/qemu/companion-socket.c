/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../base/cleanup.h"
#include "companion-socket.h"
#include "qmp.h"

int companion_socket(const char *path, int *ret_listener, int *ret_connected)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int listener = qmp_listen(path), fd = -1;

    if (listener < 0)
        return listener;
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Connects at once: the connection waits in the backlog until the companion is there. */
    int r = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    unlink(path);
    if (r < 0)
        return r;
    *ret_listener = steal_fd(&listener);
    *ret_connected = steal_fd(&fd);
    return 0;
}
