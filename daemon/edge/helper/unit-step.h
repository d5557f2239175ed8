/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a step on a unit of the host's: stops a service that holds a device, or starts it again. systemd does
 * it; as with steps on devices, what counts is what is read afterwards. */
#pragma once

#include "../../core/record/step.h"
#include "../launcher/launcher.h"
#include "worker.h"

typedef struct UnitStep UnitStep;

/* Answers as a worker would, exactly once, from the loop: -ETIME after two minutes, -ENOTSUP without systemd.
 * The step is copied. */
UnitStep *unit_step_new(sd_event *event, Launcher *launcher, const Step *step, WorkerAnswered answered,
                        void *userdata);
/* No call after it; what systemd has begun it ends. NULL is fine; returns NULL. */
UnitStep *unit_step_free(UnitStep *unit_step);

/* "active" or "inactive" as a step has it, other states by systemd's names; NULL for a unit that does not
 * exist. */
const char *unit_step_live(const LauncherUnit *unit);
