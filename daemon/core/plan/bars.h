/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BAR sizes that a guest's definition asks for, as steps of its plan. */
#pragma once

#include "plan.h"

/* Appends a step for the largest BAR that can be resized, of the first function of the device, if its section
 * asks for another size. FAULT_RAISED with REFUSED: the kernel or the device can resize none, or not to that
 * size, or the device has a driver of VFIO's already, under which the kernel resizes nothing. */
int plan_bars_add(const Host *host, const PlanDevice *device, GPtrArray *steps, Fault **ret_fault);
