/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual functions (SR-IOV) that a guest's definition has made: the steps that make them, and what the host
 * will be like then. */
#pragma once

#include "../../base/fault.h"
#include "claims.h"
#include "../definition/handle.h"
#include "expected-host.h"

/* Adds the steps (of Step) that make what the sections (of DefinitionPci) ask for, and to expected what will
 * be there then. The addresses are those of offset and stride as they are now; the specification lets them
 * change with the number (SR-IOV 1.1, 3.3.9), so that they are looked at again.
 *
 * FAULT_RAISED with REFUSED (it cannot have so many, has some already, or no driver that could make them),
 * IN_USE, STUCK. */
int plan_functions(const Host *host, const Claims *claims, const GPtrArray *sections, const char *owner,
                   GPtrArray *steps, ExpectedHost *expected, Fault **ret_fault);
