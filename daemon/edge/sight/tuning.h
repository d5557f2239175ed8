/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of the host's memory and CPUs that steps set. */
#pragma once

#include "../../core/record/step.h"

/* The path below /sys, for a step of STEP_HUGE_PAGES or STEP_GOVERNOR; NULL if the subject is not valid,
 * as it comes from a process with fewer rights. The caller frees it. */
char *tuning_path(const Step *step);
