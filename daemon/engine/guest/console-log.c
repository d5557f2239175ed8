/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of a guest's serial console: QEMU writes it, and usherd keeps it short. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "private.h"

/* Below the guest's folder in RUN/guests. */
#define PIPE "console.pipe"

static char *console_log_name(const Guest *g)
{
    return g_strconcat(g->name, ".console.log", NULL);
}

static int keep_console_log(Guest *g)
{
    g_autofree char *name = console_log_name(g);

    if (g->run->console_log)
        return 0;
    const GuestLogPlace place = {g->folder_fd, PIPE, g->engine->log_fd, name, GUEST_LOG_LIMIT};
    return guest_log_open(g->engine->event, &place, NULL, NULL, &g->run->console_log);
}

int guest_open_console_log(Guest *g)
{
    int r = keep_console_log(g);

    if (r < 0)
        return r;
    int fd = fcntl(guest_log_fd(g->run->console_log), F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

void guest_find_console_log(Guest *g)
{
    g_autofree char *name = console_log_name(g);

    if (faccessat(g->folder_fd, PIPE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    int r = keep_console_log(g);
    if (r < 0)
        log_guest(LOG_WARNING, g->name, "cannot continue %s: %s", name, strerror(-r));
}

int guest_begin_console_log(Guest *g)
{
    _cleanup_close_ int fd = guest_open_console_log(g);

    if (fd < 0)
        return fd;
    guest_log_begin(g->run->console_log);
    return steal_fd(&fd);
}
