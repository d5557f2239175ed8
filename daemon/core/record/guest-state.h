/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a guest as one table of (state, event) → state. A pair that is not in the table is a bug and
 * -EPROTO. */
#pragma once

#include <errno.h>
#include <stdbool.h>

typedef enum GuestState {
    GUEST_STOPPED,
    GUEST_PREPARING, /* the devices are on their way to vfio-pci */
    GUEST_STARTING,  /* QEMU is being started, up to the first `cont` */
    GUEST_RUNNING,
    GUEST_PAUSED,
    GUEST_STOPPING,     /* on the stop ladder; the rung is the sub-state */
    GUEST_UNRESPONSIVE, /* QEMU does not answer */
    GUEST_RESTORING,    /* QEMU is gone, the devices are on their way back */
    GUEST_FAILED,       /* as stopped, but the last start or run ended badly */
    GUEST_STATE_MAX,
    GUEST_STATE_INVALID = -EINVAL,
} GuestState;

typedef enum GuestEvent {
    GUEST_EVENT_START,    /* somebody asked for it and the plan was made */
    GUEST_EVENT_LAUNCH,   /* the devices are bound and QEMU's argv has been handed over */
    GUEST_EVENT_RUN,      /* QEMU said RESUME, or query-status says running */
    GUEST_EVENT_PAUSE,    /* QEMU said STOP */
    GUEST_EVENT_STOP,     /* somebody asked for it */
    GUEST_EVENT_SILENT,   /* no answer within the deadline */
    GUEST_EVENT_ANSWER,   /* it answers again */
    GUEST_EVENT_END,      /* QEMU is gone, or never came: now restore */
    GUEST_EVENT_RESTORED, /* all undone after a good end */
    GUEST_EVENT_FAILED,   /* all undone (or not) after a bad one, or given up after many */
    GUEST_EVENT_ADOPT,    /* found running after a restart of the daemon */
    GUEST_EVENT_MAX,
} GuestEvent;

const char *guest_state_to_string(GuestState state); /* "stopped", … */
const char *guest_event_to_string(GuestEvent event);

/* The next state, or -EPROTO if the pair is not in the table. */
int guest_state_next(GuestState state, GuestEvent event);

/* There is, or may be, a QEMU process. */
bool guest_state_live(GuestState state);
