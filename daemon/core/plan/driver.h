/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver lends a device: the one that its section names, or the one that the kernel knows as best. */
#pragma once

#include <stdbool.h>

#include "../../base/fault.h"
#include "plan.h"

/* Borrowed from the host or the definition; never NULL. */
const char *plan_driver(const Host *host, const Plan *plan, const HostDevice *device);
/* It is on a driver that lends it already, and its section names no other. */
bool plan_driver_fits(const Host *host, const Plan *plan, const HostDevice *device);
/* FAULT_RAISED with REFUSED: Driver= names a driver that this kernel does not have. section may be NULL. */
int plan_check_driver(const Host *host, const DefinitionPci *section, Fault **ret_fault);
