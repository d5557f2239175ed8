/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pause, resume and reset: each is answered once, whatever becomes of QEMU meanwhile. */
#pragma once

#include "../../base/fault.h"
#include "qemu-link.h"

typedef enum GuestControl {
    GUEST_CONTROL_PAUSE,
    GUEST_CONTROL_RESUME,   /* wakes it, too */
    GUEST_CONTROL_CONTINUE, /* does not: a guest that has put itself to sleep meanwhile sleeps on */
    GUEST_CONTROL_RESET,
} GuestControl;
/* fault NULL: done. Called exactly once unless the guest goes meanwhile. 5 s at most if QEMU does not answer;
 * then nothing is done, later neither. */
typedef void (*GuestControlled)(const Fault *fault, void *userdata);

/* Those under way. */
typedef struct Controls Controls;

/* QEMU's RunState, as it answered query-status. */
typedef void (*ControlsStatus)(const char *status, void *userdata);

/* guest, its name, and link are borrowed. */
Controls *controls_new(const char *guest, QemuLink *link, ControlsStatus status, void *userdata);
/* Whoever waits is not told. NULL is fine; returns NULL. */
Controls *controls_free(Controls *controls);

/* QEMU must hear (qemu_link_hears()). -errno as qmp_command(). */
int controls_send(Controls *controls, GuestControl control, GuestControlled controlled, void *userdata);
/* The connection is gone: whoever waits is told, but for those who asked with this userdata. */
void controls_drop(Controls *controls, const void *untold);
