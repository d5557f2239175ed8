/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <time.h>

#include "../../../daemon/edge/host-services/clock.h"
#include "../suite.h"
#include "loop.h"

static int count(sd_event_source *source, uint64_t usec, void *userdata)
{
    ++*(int *)userdata;
    return 0;
}

START_TEST(a_timer_fires_once_and_not_too_early)
{
    sd_event *event = loop_new();
    sd_event_source *timer = NULL;
    int fired = 0;
    uint64_t start, end;

    sd_event_now(event, CLOCK_MONOTONIC, &start);
    ck_assert_int_eq(clock_after(event, 20000, count, &fired, &timer), 0);
    loop_until_count(event, &fired, 1);
    sd_event_now(event, CLOCK_MONOTONIC, &end);
    ck_assert_uint_ge(end - start, 20000);
    loop_settle(event);
    ck_assert_int_eq(fired, 1);
    sd_event_source_disable_unref(timer);
    sd_event_unref(event);
}
END_TEST

START_TEST(a_second_timer_takes_the_place_of_the_first)
{
    sd_event *event = loop_new();
    sd_event_source *timer = NULL;
    int first = 0, second = 0;

    clock_after(event, 1000, count, &first, &timer);
    clock_after(event, 2000, count, &second, &timer);
    loop_until_count(event, &second, 1);
    ck_assert_int_eq(first, 0);
    clock_after(event, 0, count, &second, &timer);
    loop_until_count(event, &second, 2);
    sd_event_source_disable_unref(timer);
    sd_event_unref(event);
}
END_TEST

START_TEST(real_time_is_in_microseconds_since_1970)
{
    uint64_t now = clock_realtime_usec();
    ck_assert_uint_le(now / 1000000, (uint64_t)time(NULL));
    ck_assert_uint_ge(now / 1000000 + 5, (uint64_t)time(NULL));
}
END_TEST

SUITE("clock", a_timer_fires_once_and_not_too_early, a_second_timer_takes_the_place_of_the_first,
      real_time_is_in_microseconds_since_1970)
