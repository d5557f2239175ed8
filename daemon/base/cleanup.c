/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "cleanup.h"

int close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        /* On Linux the descriptor is gone even when close(2) fails with EINTR: never again. */
        close(fd);
        errno = saved;
    }
    return -1;
}
