/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sound server's socket, opened before the first step as disks are: one that is not there refuses the
 * start while nothing has been touched. It is in a folder of its user's, so usher-bind opens it. */
#include <fcntl.h>
#include <stdlib.h>

#include "../base/cleanup.h"
#include "guest-private.h"
#include "preflight.h"

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;

    if (error == -ECONNRESET)
        g->open_worker = NULL;
    if (g->open_worker)
        worker_release(g->open_worker);
    g->open_worker = NULL;
    if (error < 0) {
        guest_fail(g, preflight_sound_fault(g->definition, error));
        return;
    }
    g->sound_fd = steal_fd(fd);
    guest_begin(g);
}

static void on_worker(Worker *worker, const char *message, void *userdata)
{
    Guest *g = userdata;
    g_autofree char *resolved = realpath(g->definition->sound.socket, NULL);

    g->open_request = NULL;
    g->open_worker = worker;
    int r = worker ? worker_open_socket(worker, resolved ?: g->definition->sound.socket, on_opened, g) : 0;
    if (!worker)
        guest_fail(g, fault_new(FAULT_FAILED, "see journalctl -u 'usher-bind@*'",
                                "cannot start usher-bind: %s", message));
    else if (r < 0)
        guest_fail(g, preflight_sound_fault(g->definition, r));
}

void guest_open_sound(Guest *g)
{
    if (g->definition->sound.type == SOUND_NONE) {
        guest_begin(g);
        return;
    }
    int r = worker_request(g->engine->workers, on_worker, g, &g->open_request);
    if (r < 0)
        guest_fail(g, preflight_sound_fault(g->definition, r));
}
