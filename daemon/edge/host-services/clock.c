/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"

#include <glib.h>
#include <time.h>

/* How much later than asked a timer may fire, so that a host CPU wakes up for several at once. */
#define SLACK_MIN_USEC 1000
#define SLACK_MAX_USEC (250 * 1000)

uint64_t clock_realtime_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

int clock_after(sd_event *event, uint64_t usec, sd_event_time_handler_t handler, void *userdata,
                sd_event_source **source)
{
    sd_event_source *timer = NULL;
    uint64_t slack = CLAMP(usec / 20, SLACK_MIN_USEC, SLACK_MAX_USEC);
    int r = sd_event_add_time_relative(event, &timer, CLOCK_MONOTONIC, usec, slack, handler, userdata);

    if (r < 0)
        return r;
    sd_event_source_disable_unref(*source);
    *source = timer;
    return 0;
}
