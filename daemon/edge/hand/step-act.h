/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes one step on the host: what usher-bind does, and all that it does. Judges nothing beyond "is it still
 * as it was?". Never writes new_id, bind, remove or rescan: driver_override and drivers_probe do
 * (Documentation/ABI/testing/sysfs-bus-pci). */
#pragma once

#include "../../core/host/holder.h"
#include "../../core/record/step-outcome.h"
#include "../sight/step-look.h"

/* Reads the live value: *ret is NULL if the subject does not exist, "" for none. 0 or -errno; -EINVAL for
 * a subject that is not a PCI address, a VFIO group's node, a link of usher's, a CPU or a loaded module. */
int step_read(const StepPlace *place, const Step *step, char **ret);

/* Reads the live value, acts, reads it back. If the live value is not before (and the kind is not held),
 * the result is DONE if it is after already, else WORKER_DRIFT; for a counted kind it is drift in both
 * cases. *ret_live is set (perhaps to NULL) in every case. *ret_error is set with FAILED, to a negative
 * errno: that of the write, -ENOPKG if no driver of that name is registered, or -EIO if the write was
 * accepted and the value is not after. A step that would take a driver from a disk claims the disk first,
 * and keeps the claim until the kernel is back. If somebody has the disk, the result is -EBUSY with
 * *ret_holders (NULL in every other case; the caller's), and nothing has been written. Blocks as long as
 * the kernel does. */
WorkerVerdict step_act(const StepPlace *place, const Step *step, char **ret_live, int *ret_error,
                       GPtrArray **ret_holders);
