/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process that somebody else started and will reap: whether it is the one that was meant, and when it
 * ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

typedef struct ProcessWatch ProcessWatch;

/* Called once, from the loop; the watch may be freed from within. */
typedef void (*ProcessEnded)(void *userdata);

/* pid must be a child of parent, and have started at start_time (launcher_start_time(); 0: whenever).
 * -ESRCH if there is no such process any more, or it has ended and was not reaped; -EPERM if it is
 * another's child. Nobody else can make a child of a program: so a child of the guest's main process is in
 * the guest's unit. */
int process_watch_new(sd_event *event, pid_t pid, pid_t parent, uint64_t start_time, ProcessEnded ended,
                      void *userdata, ProcessWatch **ret);
/* NULL is fine; returns NULL. The process goes on. */
ProcessWatch *process_watch_free(ProcessWatch *watch);

bool process_watch_ended(const ProcessWatch *watch);
/* SIGKILL. False: it has ended, or is not ours to kill. */
bool process_watch_kill(const ProcessWatch *watch);

/* Whether the process is ending already, or has ended: it has no memory any more, which goes before files
 * are closed (do_exit() in Linux). So this tells which of two processes with a socket between them ended
 * first. */
bool process_ending(pid_t pid);
