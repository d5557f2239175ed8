/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time and one-shot timers on the event loop. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

uint64_t clock_realtime_usec(void);

/* A one-shot timer in usec from now, by the clock that stops while the host sleeps; *source is replaced if
 * it is one already. Free it by sd_event_source_disable_unref(). */
int clock_after(sd_event *event, uint64_t usec, sd_event_time_handler_t handler, void *userdata,
                sd_event_source **source);
