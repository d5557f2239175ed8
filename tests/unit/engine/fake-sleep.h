/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for daemon/edge/host-services/sleep-watch.c, linked instead of it: the host falls asleep and wakes when the
 * test says so. The real one is tested with a mock of logind, and with logind itself in the lab. */
#pragma once

#include "../../../daemon/edge/host-services/sleep-watch.h"

/* Awake; logind waits for 5 s, as it does by default. */
SleepWatch *fake_sleep_new(void);
/* Sets what the watch says from now on; the test calls the callback. */
void fake_sleep_set(SleepWatch *watch, HostWake host, uint64_t delay_usec);
/* "block: guest win10 owns 0000:01:00.0
 * ", one line for each lock. Borrowed until the next call. */
const char *fake_sleep_locks(SleepWatch *watch);
