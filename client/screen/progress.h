/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line on stderr that tells what is being done now, if stderr is a terminal; nothing otherwise. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
    bool tty;
    bool shown;
    uint64_t started; /* monotonic, in microseconds */
} Progress;

Progress progress_start(void);

/* "win10: 3 of 7: driver of 0000:01:00.0: radeon → none", and the seconds once there are some. */
void progress_show(Progress *progress, const char *subject, unsigned done, unsigned total, const char *step);

/* Takes the line away, before something else is written. */
void progress_clear(Progress *progress);
