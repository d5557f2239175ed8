/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --dry-run: the daemon's plan, printed. */
#pragma once

#include "../bus/bus.h"

/* Makes the call that returns a plan for one subject, to be owned by the caller. */
typedef int (*PlanCall)(Client *client, const char *subject, sd_bus_message **ret);

/* Prints the plan for each subject as a table, or all of their steps as one JSON array. Returns the worst
 * status. */
int steps_print(Client *client, const char *verb, PlanCall make_call, char **subjects);
