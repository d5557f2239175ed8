/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log that QEMU writes by a descriptor of ours and that we keep bounded: when it grows past the limit it is
 * copied to NAME.1 and emptied (QEMU appends, so it goes on at the start). What QEMU writes in the moment
 * between may be lost. Watched by inotify; nothing wakes up while nothing is written. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#define GUEST_LOG_LIMIT (1024 * 1024)

/* A longer line is told in parts. */
#define GUEST_LOG_LINE_MAX 4096

typedef struct GuestLog GuestLog;

/* Each whole line as it comes, without its line end, as valid UTF-8; may be NULL. Must not close the log. */
typedef void (*GuestLogLine)(const char *line, void *userdata);

/* Opens (creating, 0640) dir_fd/name for appending and watches it. Lines already in it are not told; what is
 * past its limit (in bytes) already is set aside. dir_fd is not needed any more afterwards. */
int guest_log_open(sd_event *event, int dir_fd, const char *name, uint64_t limit, GuestLogLine line,
                   void *userdata, GuestLog **ret);
/* The files stay. NULL is fine; returns NULL. */
GuestLog *guest_log_close(GuestLog *log);
/* For QEMU: O_WRONLY|O_APPEND. Borrowed. */
int guest_log_fd(const GuestLog *log);
/* Writes a line that says when this run begins, after what was there; it is not told. 0 or -errno. */
int guest_log_begin(GuestLog *log);
/* Empties the log (a new run). What was not told yet is not told. */
int guest_log_clear(GuestLog *log);
/* The last bytes, at most max, from the start of a line, as valid UTF-8; the caller frees it. */
char *guest_log_tail(const GuestLog *log, size_t max);
