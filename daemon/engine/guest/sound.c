/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sound server's socket, opened before the first step as disks are: one that is not there refuses the
 * start while nothing has been touched. It is in a folder of its user's, so usher-bind opens it. */
#include "../../base/cleanup.h"
#include "../../core/plan/file-wish.h"
#include "private.h"

static void on_opened(int error, int *fd, void *userdata)
{
    Guest *g = userdata;

    if (error < 0) {
        guest_fail(g, opener_fault(g->run->opener, error, g->name, g->run->definition->sound.socket)
                          ?: file_sound_fault(g->run->definition, error));
        return;
    }
    g->run->opener = opener_free(g->run->opener);
    g->run->sound_fd = steal_fd(fd);
    guest_begin(g);
}

void guest_open_sound(Guest *g)
{
    if (g->run->definition->sound.type == SOUND_NONE) {
        guest_begin(g);
        return;
    }
    g->run->opener = opener_new(g->engine, false);
    opener_open(g->run->opener, FILE_KIND_SOCKET, g->run->definition->sound.socket, on_opened, g);
}
