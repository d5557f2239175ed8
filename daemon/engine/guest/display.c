/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase of a start that makes the socket of the guest's display, if it is to have one. */
#include "private.h"

static void on_ready(const Fault *fault, void *userdata)
{
    Run *run = userdata;

    if (fault)
        guest_fail(run->guest, fault_copy(fault));
    else
        start_phase_done(run);
}

void phase_display(Run *run)
{
    const DefinitionDisplay *display = guest_screen(run->guest);
    Viewers *viewers = streams_viewers(run->streams);

    /* An usher-bind that came back too late may have left one. */
    viewers_remove(viewers);
    if (display->owner)
        viewers_open(viewers, display->type, display->owner, on_ready, run);
    else
        start_phase_done(run);
}
