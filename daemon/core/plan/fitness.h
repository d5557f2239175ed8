/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a function in a state in which it may change hands at all? What its group and its users say to that is
 * the plan's. */
#pragma once

#include "../../base/fault.h"
#include "../host/host.h"

/* "0000:01:00.0 is dead: …" and what to do, as a fault of this kind. */
Fault *fitness_dead(FaultKind kind, const HostDevice *device);

/* Refuses with REFUSED what is dead, or in quarantine. */
int fitness_check(const HostDevice *device, Fault **ret_fault);
