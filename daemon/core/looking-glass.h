/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory through which Looking Glass shows a guest's picture: a file that the guest's card is, and that
 * the viewer on the host reads. Made before the guest starts and removed after it ended. */
#pragma once

#include "definition.h"
#include "plan.h"

#define LOOKING_GLASS_PREFIX "/dev/shm/looking-glass-"

/* "/dev/shm/looking-glass-win10". The caller frees it. */
char *looking_glass_path(const GuestDefinition *definition);

/* The step that makes it: of this size, its owner may write to it. */
void plan_add_looking_glass(Plan *plan, const GuestDefinition *definition);
