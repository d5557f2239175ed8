/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pause, resume and reset. Each request is answered once, whatever becomes of QEMU meanwhile. */
#pragma once

#include "../../base/fault.h"
#include "qemu-link.h"

typedef enum GuestControl {
    GUEST_CONTROL_PAUSE,
    GUEST_CONTROL_RESUME,   /* also wakes a guest that sleeps */
    GUEST_CONTROL_CONTINUE, /* does not wake a guest that has put itself to sleep meanwhile */
    GUEST_CONTROL_RESET,
} GuestControl;
/* fault NULL: done. Called exactly once unless the guest goes meanwhile. If QEMU does not answer, this takes
 * 5 s at most; the request is then not carried out later either. */
typedef void (*GuestControlled)(const Fault *fault, void *userdata);

/* The requests under way. */
typedef struct Controls Controls;

/* QEMU's RunState, as it answered query-status. */
typedef void (*ControlsStatus)(const char *status, void *userdata);

/* guest, its name, and link are borrowed. */
Controls *controls_new(const char *guest, QemuLink *link, ControlsStatus status, void *userdata);
/* Requests under way are dropped without a call. NULL is fine; returns NULL. */
Controls *controls_free(Controls *controls);

/* QEMU must hear (qemu_link_hears()). -errno as qmp_command(). */
int controls_send(Controls *controls, GuestControl control, GuestControlled controlled, void *userdata);
/* The connection is gone: the requests under way fail, except those with this userdata. */
void controls_drop(Controls *controls, const void *untold);
