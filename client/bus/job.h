/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs: asking for them, and waiting until they have ended. */
#pragma once

#include "bus.h"

/* One verb that the daemon carries out as a job for each of its subjects. */
typedef struct JobVerb {
    const char *name; /* completes "Cannot …", "The … goes on": "start" */
    const char
        *already; /* the error that means that there is nothing to do, "AlreadyRunning"; NULL: none does */

    /* Makes the call that returns the job, to be owned by the caller; an exit status, having said what
     * failed. */
    int (*make_call)(Client *client, const char *subject, sd_bus_message **ret);
    /* The guest has failed, and why was said: says what there is to say besides. May be NULL. */
    void (*failed)(Client *client, const char *subject);
} JobVerb;

/* Asks for a job for each subject, then waits for all of them with one line of progress on a terminal; with
 * --no-block returns once they are accepted. Ctrl-C stops the waiting, not the jobs. Returns the worst
 * status. */
int job_run(Client *client, const JobVerb *verb, char **subjects);
