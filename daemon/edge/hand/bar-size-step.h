/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The size of a BAR as a step (STEP_BAR_SIZE). */
#pragma once

#include "../../core/record/step.h"

/* *ret: the size of the step's BAR, as bar_size_to_text() writes it; NULL: the device has gone. 0, or -errno;
 * -EINVAL for a step that means no BAR of one device. */
int bar_size_read(int sys_fd, const Step *step, char **ret);

/* 0 or -errno. What the kernel says: -EBUSY (a driver has the device), -EINVAL (the BAR cannot have the
 * size), -ENOSPC (the bridges above have no room for it), -ENOENT (it cannot be resized). */
int bar_size_write(int sys_fd, const Step *step);
