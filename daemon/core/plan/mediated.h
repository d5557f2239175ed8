/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices that a guest's definition has made: the steps that make them, and what the host will be
 * like then. Which groups they will be in the kernel says only when they are there. */
#pragma once

#include "../../base/fault.h"
#include "claims.h"
#include "../definition/handle.h"
#include "expected-host.h"

/* Adds the steps (of Step) that make what MediatedType= asks for, and to expected what will be there then.
 * claims may be NULL.
 *
 * FAULT_RAISED with REFUSED (the device's driver makes none, none of this type, or no more of it; or one of
 * this UUID is there already; or Fingerprint= is another's), NO_SUCH_DEVICE, IN_USE (the device is claimed),
 * STUCK, or as fitness_check(). */
int plan_mediated(const Host *host, const Claims *claims, const GuestDefinition *definition,
                  const char *owner, GPtrArray *steps, ExpectedHost *expected, Fault **ret_fault);
