/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdint.h>

#include "guest-state.h"

static const char *const state_names[GUEST_STATE_MAX] = {
    [GUEST_STOPPED] = "stopped",           [GUEST_PREPARING] = "preparing", [GUEST_STARTING] = "starting",
    [GUEST_RUNNING] = "running",           [GUEST_PAUSED] = "paused",       [GUEST_STOPPING] = "stopping",
    [GUEST_UNRESPONSIVE] = "unresponsive", [GUEST_RESTORING] = "restoring", [GUEST_FAILED] = "failed",
};

static const char *const event_names[GUEST_EVENT_MAX] = {
    [GUEST_EVENT_START] = "start",   [GUEST_EVENT_LAUNCH] = "launch", [GUEST_EVENT_RUN] = "run",
    [GUEST_EVENT_PAUSE] = "pause",   [GUEST_EVENT_STOP] = "stop",     [GUEST_EVENT_SILENT] = "silent",
    [GUEST_EVENT_ANSWER] = "answer", [GUEST_EVENT_END] = "end",       [GUEST_EVENT_RESTORED] = "restored",
    [GUEST_EVENT_FAILED] = "failed", [GUEST_EVENT_ADOPT] = "adopt",
};

/* One more than the state, so that 0, which is what is not written here, means: not allowed. */
#define TO(state) ((uint8_t)(GUEST_##state + 1))

/* clang-format off */
static const uint8_t transitions[GUEST_STATE_MAX][GUEST_EVENT_MAX] = {
    [GUEST_STOPPED] = {
        [GUEST_EVENT_START] = TO(PREPARING),
        [GUEST_EVENT_ADOPT] = TO(RUNNING),
        /* After a restart of the daemon, a journal was found, but no QEMU. */
        [GUEST_EVENT_END] = TO(RESTORING),
        /* systemd was to bring it up again and again, and has given up. */
        [GUEST_EVENT_FAILED] = TO(FAILED),
    },
    [GUEST_PREPARING] = {
        [GUEST_EVENT_LAUNCH] = TO(STARTING),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    [GUEST_STARTING] = {
        [GUEST_EVENT_RUN] = TO(RUNNING),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_SILENT] = TO(UNRESPONSIVE),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    [GUEST_RUNNING] = {
        [GUEST_EVENT_RUN] = TO(RUNNING),
        [GUEST_EVENT_PAUSE] = TO(PAUSED),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_SILENT] = TO(UNRESPONSIVE),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    [GUEST_PAUSED] = {
        [GUEST_EVENT_RUN] = TO(RUNNING),
        [GUEST_EVENT_PAUSE] = TO(PAUSED),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_SILENT] = TO(UNRESPONSIVE),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    /* The ladder goes on whatever QEMU does or does not say meanwhile. */
    [GUEST_STOPPING] = {
        [GUEST_EVENT_RUN] = TO(STOPPING),
        [GUEST_EVENT_PAUSE] = TO(STOPPING),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_SILENT] = TO(STOPPING),
        [GUEST_EVENT_ANSWER] = TO(STOPPING),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    [GUEST_UNRESPONSIVE] = {
        [GUEST_EVENT_RUN] = TO(RUNNING),
        [GUEST_EVENT_PAUSE] = TO(PAUSED),
        [GUEST_EVENT_STOP] = TO(STOPPING),
        [GUEST_EVENT_ANSWER] = TO(RUNNING),
        [GUEST_EVENT_END] = TO(RESTORING),
    },
    [GUEST_RESTORING] = {
        [GUEST_EVENT_STOP] = TO(RESTORING),
        [GUEST_EVENT_RESTORED] = TO(STOPPED),
        [GUEST_EVENT_FAILED] = TO(FAILED),
    },
    [GUEST_FAILED] = {
        [GUEST_EVENT_START] = TO(PREPARING),
        [GUEST_EVENT_ADOPT] = TO(RUNNING),
        [GUEST_EVENT_END] = TO(RESTORING),
        [GUEST_EVENT_FAILED] = TO(FAILED),
    },
};
/* clang-format on */

const char *guest_state_to_string(GuestState state)
{
    return state >= 0 && state < GUEST_STATE_MAX ? state_names[state] : NULL;
}

const char *guest_event_to_string(GuestEvent event)
{
    return (unsigned)event < GUEST_EVENT_MAX ? event_names[event] : NULL;
}

int guest_state_next(GuestState state, GuestEvent event)
{
    if (state < 0 || state >= GUEST_STATE_MAX || (unsigned)event >= GUEST_EVENT_MAX ||
        transitions[state][event] == 0)
        return -EPROTO;
    return transitions[state][event] - 1;
}

bool guest_state_live(GuestState state)
{
    return state == GUEST_STARTING || state == GUEST_RUNNING || state == GUEST_PAUSED ||
           state == GUEST_STOPPING || state == GUEST_UNRESPONSIVE;
}
