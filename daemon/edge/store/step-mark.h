/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices that a step is being taken on, for a later daemon too: RUN/steps/ADDRESS (or the UUID of a
 * mediated device), locked (flock(2)) as long as the step runs. The lock belongs to the open file. Its
 * descriptor travels to usher-bind with the step and is closed when the kernel is done: by usher-bind, or
 * by the kernel with the process. So a lock that a new daemon finds is a write that still hangs. */
#pragma once

#include <glib.h>
#include <systemd/sd-event.h>

/* Returns a descriptor that holds the mark of a device, to be handed on and closed here. -EWOULDBLOCK: a step
 * is under way on it already. */
int step_mark_take(int dir_fd, const char *address);
/* The step is over. */
void step_mark_remove(int dir_fd, const char *address);

typedef struct StepMarks StepMarks;

/* The write to a device came back. Called once for each that was found. */
typedef void (*StepMarkFreed)(const char *address, void *userdata);

/* Finds the marks that are held by processes of an earlier daemon, and follows them; the others are removed.
 */
int step_marks_find(sd_event *event, int dir_fd, StepMarkFreed freed, void *userdata, StepMarks **ret);
/* NULL is fine; returns NULL. */
StepMarks *step_marks_free(StepMarks *marks);
/* The addresses whose mark is still held; the caller frees the array. */
GPtrArray *step_marks_list(const StepMarks *marks); /* of char*, borrowed */
