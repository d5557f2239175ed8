/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event loop for tests: turns until something has happened, and fails the test if it never does. */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#define LOOP_DEADLINE_USEC (60ull * 1000 * 1000)

static inline sd_event *loop_new(void)
{
    sd_event *event;

    ck_assert_int_ge(sd_event_new(&event), 0);
    return event;
}

/* One number after the other, so that "twice" can be waited for too. */
static inline void loop_until_count(sd_event *event, const int *count, int wanted)
{
    while (*count < wanted)
        if (sd_event_run(event, LOOP_DEADLINE_USEC) <= 0)
            ck_abort_msg("what was waited for never happened");
}

static inline void loop_until(sd_event *event, const bool *happened)
{
    while (!*happened)
        if (sd_event_run(event, LOOP_DEADLINE_USEC) <= 0)
            ck_abort_msg("what was waited for never happened");
}

/* As a bus with many callers, on a descriptor that there is always something to read from: counts. */
static inline int loop_on_busy(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    int *turns = userdata;

    ++*turns;
    return 0;
}

/* Turns as long as there is anything to do at once. */
static inline void loop_settle(sd_event *event)
{
    while (sd_event_run(event, 0) > 0)
        ;
}
