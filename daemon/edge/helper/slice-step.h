/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes a step of STEP_KEPT_OFF or STEP_CPUSETS: has systemd remove CPUs from AllowedCPUs= of a unit, or
 * add them again, at runtime alone. CPUs that the unit is kept off by other guests or by an administrator
 * stay so. */
#pragma once

#include "../../core/record/step.h"
#include "../launcher/launcher.h"
#include "../sight/step-look.h"
#include "worker.h"

typedef struct SliceStep SliceStep;

/* Answers as a worker would, exactly once, from the loop: -ETIME after half a minute, -ENOTSUP without
 * systemd. turns is the queue of those that are under way, as each looks before it writes: one after the
 * other. The step is copied. */
SliceStep *slice_step_new(sd_event *event, Launcher *launcher, const StepPlace *place, GQueue *turns,
                          const Step *step, WorkerAnswered answered, void *userdata);
/* No call after it; systemd still does what it was asked for. NULL is fine; returns NULL. */
SliceStep *slice_step_free(SliceStep *slice_step);
