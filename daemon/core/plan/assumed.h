/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest would get if its devices were there: for a command line that is only shown. */
#pragma once

#include "plan.h"

/* The functions of a slot that are there and that a guest can get, a bit each; 0: nothing is known of it. */
typedef uint8_t (*PlanLook)(PciAddress slot, const void *userdata);

/* No steps, no claims, and nothing is refused. What had to be assumed is added to notes, of char*, and what a
 * start would learn from files is put into the definition. */
Plan *plan_assume(GuestDefinition *definition, PlanLook look, const void *userdata, GPtrArray *notes);
