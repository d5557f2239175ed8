/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes one step on the host: what usher-bind does, and all that it does. Judges nothing beyond "is it still
 * as it was?". Never writes new_id, bind, remove or rescan: driver_override and drivers_probe do
 * (Documentation/ABI/testing/sysfs-bus-pci). */
#pragma once

#include "../../core/host/holder.h"
#include "../../core/record/step-outcome.h"
#include "../sight/step-look.h"

/* Reads the live value: *ret is NULL if the subject is not there, "" for none. 0 or -errno; -EINVAL for a
 * subject that is not a PCI address, no VFIO group's node, no link of usher's, no processor or not a module
 * that is loaded. */
int step_read(const StepPlace *place, const Step *step, char **ret);

/* Reads; if the live value is not before (and the kind is not held) it is WORKER_DRIFT, unless it is
 * after already, then DONE, and of a counted kind it is drift all the same; acts; reads back. *ret_live is
 * set (perhaps to NULL) in every case, *ret_error with FAILED, to a negative errno: that of the write,
 * -ENOPKG if no driver of that name is registered, or -EIO when the write was accepted and the value is not
 * after.
 *
 * What would take a driver from a disk claims the disk first, and keeps it until the kernel is back: -EBUSY
 * with *ret_holders, who has it (NULL in every other case; the caller's), and nothing has been written.
 * Blocks as long as the kernel does. */
WorkerVerdict step_act(const StepPlace *place, const Step *step, char **ret_live, int *ret_error,
                     GPtrArray **ret_holders);
