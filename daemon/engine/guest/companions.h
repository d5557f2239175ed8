/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs beside QEMU (swtpm, virtiofsd): started by usher-launch before it becomes QEMU, followed as
 * long as QEMU runs, and waited for when QEMU has ended. */
#pragma once

#include "../../core/qemu/argv.h"
#include "../../edge/helper/channel.h"

typedef struct Companions Companions;

/* The object may be freed from within each of these. */
typedef struct CompanionsHandler {
    /* companions_start(): all of them run. */
    void (*ready)(void *userdata);
    /* companions_start(): one cannot be started, and none after it was. error is a positive errno. */
    void (*failed)(const char *name, int error, void *userdata);
    /* A companion has ended before QEMU. */
    void (*lost)(const char *name, void *userdata);
    /* companions_end(): all have ended, or cannot be waited for any longer. */
    void (*ended)(void *userdata);
} CompanionsHandler;

/* guest, its name, and handler are borrowed. */
Companions *companions_new(sd_event *event, const char *guest, const CompanionsHandler *handler,
                           void *userdata);
/* The processes go on. NULL is fine; returns NULL. */
Companions *companions_free(Companions *companions);

/* Makes the socket between QEMU and the next companion, at path for a moment. Returns QEMU's end, which is
 * the caller's, or -errno. */
int companions_connect(Companions *companions, const char *path);
/* The end of that socket on which the companion listens; the caller's. */
int companions_take_listener(Companions *companions, unsigned companion);

/* What the start of companions needs; all is borrowed until ready or failed is called. */
typedef struct CompanionsStart {
    Channel *launcher;
    const QemuCommand *command;
    const GArray *fds;  /* of int: QEMU's files, then each companion's, in the command's order */
    int log;            /* their standard error */
    pid_t launcher_pid; /* whose children they become */
} CompanionsStart;

/* Starts them, one after the other. May call back at once. */
void companions_start(Companions *companions, const CompanionsStart *start);
/* The one that the launcher has not reported on yet; NULL: none. */
const char *companions_awaited(const Companions *companions);
/* The launcher reports on the companion that was being started. */
void companions_answered(Companions *companions, char **words);

/* QEMU is gone: waits for them, 5 s, then kills those that are ours to kill. May call back at once. */
void companions_end(Companions *companions);

/* A line for each, "PID START_TIME NAME", for a daemon that comes after this one. */
void companions_to_text(const Companions *companions, GString *text);
/* Finds companions again by those lines, as children of that process. May call back at once. */
void companions_find(Companions *companions, const char *const *lines, pid_t parent);
