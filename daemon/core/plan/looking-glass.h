/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory through which Looking Glass shows a guest's picture: a file that the guest's card is, and that
 * the viewer on the host reads. Made before the guest starts and removed after it ended; or a device of its
 * module kvmfr, which is there. */
#pragma once

#include "../definition/handle.h"
#include "plan.h"

/* In a folder of usher's own: anybody may put a file into /dev/shm, and so keep a guest from having one
 * there. */
#define LOOKING_GLASS_PREFIX "/dev/shm/usher/looking-glass-"

/* "/dev/shm/usher/looking-glass-win10", or the device. The caller frees it. */
char *looking_glass_path(const GuestDefinition *definition);

/* The step that makes the file: of this size, its owner and this guest may write to it. */
void plan_add_looking_glass(Plan *plan, const GuestDefinition *definition);
