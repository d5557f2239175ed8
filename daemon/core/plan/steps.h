/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a plan, in the order that makes its reverse right. */
#pragma once

#include "../../base/fault.h"
#include "plan.h"

/* Adds the steps that bring members (of const HostDevice, in the order in which it is to be done) to
 * the driver that lends each, and the resets that the wishes of plan->devices ask for. 0; FAULT_RAISED if
 * they ask for what cannot be had. */
int plan_steps_add(const Host *host, const GPtrArray *members, Plan *plan, Fault **ret_fault);
