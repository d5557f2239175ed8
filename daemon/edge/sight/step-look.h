/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step's subject looks like now, as far as no right is needed and nothing waits: for usherd, which
 * believes the kernel, and for usher-bind, which reads back what it wrote. */
#pragma once

#include "../../core/record/step.h"

/* Where the host is, as directory descriptors; a test hands in others. */
typedef struct StepPlace {
    int sys_fd;  /* /sys */
    int dev_fd;  /* /dev */
    int proc_fd; /* /proc: where it is told what a disk is used for */
} StepPlace;

/* The PCI driver of that name, built in or not, as it is registered (vfio_driver_same()); NULL: none is. The
 * caller frees it. */
char *step_look_driver(const StepPlace *place, const char *driver);

/* The live value of a STEP_MODULE, STEP_HUGE_PAGES or STEP_GOVERNOR, as step_view() takes it: *ret is NULL if
 * the subject is not there, and the caller's. 0 or -errno; -EINVAL for a subject or a kind that is none of
 * these. */
int step_look(const StepPlace *place, const Step *step, char **ret);
