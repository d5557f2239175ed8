/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input devices of a definition. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

#define INPUT_FOLDER "/dev/input/"

/* Which keys, pressed together, have the guest or the host listen; in the order of QEMU's GrabToggleKeys. */
typedef enum GrabToggle {
    GRAB_TOGGLE_CTRL_CTRL,
    GRAB_TOGGLE_ALT_ALT,
    GRAB_TOGGLE_SHIFT_SHIFT,
    GRAB_TOGGLE_META_META,
    GRAB_TOGGLE_SCROLLLOCK,
    GRAB_TOGGLE_CTRL_SCROLLLOCK,
    GRAB_TOGGLE_MAX,
    GRAB_TOGGLE_INVALID = -EINVAL,
} GrabToggle;

/* [Input name] */
struct DefinitionInput {
    char *name;
    char *device; /* below /dev/input */
    GrabToggle grab_toggle;
};
