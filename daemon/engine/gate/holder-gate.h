/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a plan and its first step: asks who holds the devices that leave a driver, and whether those may be
 * stopped. */
#pragma once

#include "../../core/plan/plan.h"
#include "holder-look.h"

typedef struct HolderGate HolderGate;

/* fault, borrowed: why the plan must not be carried out; NULL: it may, and steps that stop units are in front
 * of its own. The gate may be freed from within. */
typedef void (*HolderGateAnswered)(const Fault *fault, void *userdata);

/* The plan is borrowed and must outlive the gate. claim: as holder_scan() takes it. Calls back exactly once,
 * from the loop. */
HolderGate *holder_gate_new(Engine *engine, Plan *plan, bool claim, HolderGateAnswered answered,
                            void *userdata);
/* No call after it. NULL is fine; returns NULL. */
HolderGate *holder_gate_free(HolderGate *gate);
