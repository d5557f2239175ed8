/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU writes without end, kept in a bounded file. It writes into a pipe that has a name, so that the
 * next daemon finds it; this is read at most GUEST_LOG_TURN bytes at a time, with a rest after each, and
 * after everything else that the loop has to do. So neither the file, nor /run, nor the work of the loop
 * grows with what is written. Nothing wakes up while nothing is written. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define GUEST_LOG_LIMIT (1024 * 1024)

/* What is read in one turn of the loop, and the rest after it: 4 MB a second. */
#define GUEST_LOG_TURN (64 * 1024)
#define GUEST_LOG_REST_USEC (16 * 1000)

/* A longer line is handed on in parts. */
#define GUEST_LOG_LINE_MAX 4096

/* The most lines that are handed on in that time; of the rest, their number. */
#define GUEST_LOG_LINES 100
#define GUEST_LOG_LINES_USEC (10 * G_USEC_PER_SEC)

typedef struct GuestLog GuestLog;

/* Each whole line as it comes, without its line end, as text in one line (words_in_line()). Must not close
 * the log. */
typedef void (*GuestLogLine)(const char *line, void *userdata);

typedef struct GuestLogPlace {
    int pipe_dir_fd;
    const char *pipe; /* its name below that */
    int dir_fd;
    const char *name; /* of the file, likewise; the old part of it is NAME.1 */
    uint32_t limit;   /* bytes in each of the two */
    /* What happens to output while no daemon runs. True: the pipe keeps what it can hold, and the rest is
     * lost: a program that complains is never stopped. False: the writer waits for a running daemon, and
     * loses what it writes while none runs: nothing is left out of a guest's output, and a guest goes on
     * without a daemon. */
    bool words;
} GuestLogPlace;

/* Opens pipe (0600) and file, creating what is not there. line may be NULL. The folders are not needed any
 * more afterwards. 0 or -errno. */
int guest_log_open(sd_event *event, const GuestLogPlace *place, GuestLogLine line, void *userdata,
                   GuestLog **ret);
/* Pipe and files stay. NULL is fine; returns NULL. */
GuestLog *guest_log_close(GuestLog *log);
/* For whoever is to write. Borrowed. */
int guest_log_fd(const GuestLog *log);
/* Writes a line that says when this run begins, after the old text; the line is not handed on. */
void guest_log_begin(GuestLog *log);
/* Empties the log (a new run). Text that was not handed on yet is dropped. 0 or -errno. */
int guest_log_clear(GuestLog *log);
/* Takes what the pipe holds at once: its writer has ended. */
void guest_log_catch_up(GuestLog *log);
/* The last bytes, at most max, from the start of a line, as valid UTF-8; the caller frees it. */
char *guest_log_tail(const GuestLog *log, size_t max);
