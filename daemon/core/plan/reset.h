/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The resets that a guest's definition asks for, as steps of its plan. */
#pragma once

#include "plan.h"

/* Appends a step for each function of the device that can be reset by itself: others the kernel resets with
 * their slot or bus when VFIO opens and closes them. Nothing if its section does not ask. FAULT_RAISED with
 * REFUSED if it asks, and none can. */
int plan_reset_add(const Host *host, const PlanDevice *device, GPtrArray *steps, Fault **ret_fault);
