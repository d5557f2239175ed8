/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A phase of a start: the sound server's socket is opened, before the first step as disks are: one that is
 * not there refuses the start while nothing has been touched. It is in a folder of its user's, so usher-bind
 * opens it. */
#include "../../core/definition/definition.h"
#include "../../base/cleanup.h"
#include "../../core/plan/file-wish.h"
#include "private.h"

static void on_opened(int error, int *fd, void *userdata)
{
    Run *run = userdata;

    if (error < 0) {
        guest_fail(run->guest,
                   opener_fault(run->start.opener, error, run->guest->name, run->definition->sound.socket)
                       ?: file_sound_fault(run->definition, error));
        return;
    }
    phase_opener_off(run);
    run->start.sound_fd = steal_fd(fd);
    start_phase_done(run);
}

void phase_sound(Run *run)
{
    if (run->definition->sound.type == SOUND_NONE) {
        start_phase_done(run);
        return;
    }
    run->start.opener = opener_new(run->guest->engine, false);
    opener_open(run->start.opener, FILE_KIND_SOCKET, run->definition->sound.socket, on_opened, run);
}

void phase_sound_off(Run *run)
{
    phase_opener_off(run);
    run->start.sound_fd = close_fd(run->start.sound_fd);
}
