/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "clock.h"

uint64_t clock_realtime_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int clock_after(sd_event *event, uint64_t usec, sd_event_time_handler_t handler, void *userdata,
                sd_event_source **source)
{
    *source = sd_event_source_disable_unref(*source);
    /* Accuracy 1 ms: a deadline that is late by the default of 250 ms would be felt. */
    return sd_event_add_time_relative(event, source, CLOCK_MONOTONIC, usec, 1000, handler, userdata);
}
