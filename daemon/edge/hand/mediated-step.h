/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mediated device as a step (STEP_MEDIATED): made by the driver of another device, and removed. */
#pragma once

#include "../../core/record/step.h"

/* *ret: "TYPE@ADDRESS", whatever these are; "": there is none of this UUID. 0, or -errno; -EINVAL for a step
 * that means no mediated device of a PCI device. */
int mediated_read(int sys_fd, const Step *step, char **ret);

/* 0 or -errno. What the kernel says: -EEXIST (one of this UUID is there), -EUSERS or whatever the driver says
 * (no more of the type can be made), -ENOENT (the driver makes none of this type), -ENODEV (the driver is
 * leaving). To remove one waits until nobody has it open (vfio_unregister_group_dev()). */
int mediated_write(int sys_fd, const Step *step);
