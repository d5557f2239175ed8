/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A step is (kind, subject, before, after): one change of the host whose effect can be read back. Undoing it
 * is the same step with before and after swapped. Values are strings as the attribute shows them; "" stands
 * for none (no driver, no override). */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>

#include "../host/pci-address.h"

typedef enum StepKind {
    STEP_MODULE, /* subject "macvtap", "vfio_pci", or the module of a variant of that ("mlx5_vfio_pci");
                  * "absent" → "live". Kept: a module is never unloaded */
    STEP_POWER_CONTROL, /* subject address; power/control. Held: written whatever the live value is, as
                         * vfio-pci changes it itself (vfio_pci_core_register_device allows runtime PM) */
    STEP_D3COLD,        /* subject address; d3cold_allowed. Held */
    STEP_DRIVER,   /* subject address; one of before and after is "": unbind, or drivers_probe. Drivers are
                    * compared as vfio_driver_same() does: a module that is not loaded yet does not tell how
                    * its driver is spelled */
    STEP_OVERRIDE, /* subject address; driver_override, likewise */
    STEP_RESET, /* subject address; after says what is done: STEP_VALUE_RESET, or nothing (STEP_VALUE_AS_IS);
                 * before says the same of the undo. A reset leaves no value behind: it has happened if the
                 * write was taken and config space answers again, and may happen twice without harm. Held */
    STEP_NODE_OWNER, /* subject "/dev/vfio/26"; "0:0" → "UID:GID"; the mode stays 0600. Or
                      * "/dev/input/event5"; "0:104" → … Gone with the node: a
                      * node that is not there counts as given back */
    STEP_UNIT,       /* subject "sunshine.service"; "active" → "inactive": it must let go of a device. Or
                      * "usher-nat@win10.target"; "inactive" → "active". Systemd's, not usher-bind's */
    STEP_LINK, /* subject "ush-win10_lan"; "" → "tap on br0 as fe:54:00:12:34:56" or "macvtap on eth0 as …";
                * "mqtap" is a tap with several queues.
                * Given back as long as it is of its kind: others may have changed what it is on */
    STEP_SHARED_MEMORY, /* subject "/dev/shm/usher/looking-glass-win10"; "" → "67108864 alice GID": size,
                         * owner, and the guest's group, STEP_VALUE_GUEST in a plan */
    STEP_HUGE_PAGES,    /* subject "node0/2048kB"; nr_hugepages there, a number. Counted */
    STEP_KEPT_OFF, /* subject "system.slice"; the host CPUs that its AllowedCPUs= keeps it off, "" → "2-3".
                    * Only those that are in one value alone are the step's, and they are taken off, or given
                    * back, whatever the others are then. Systemd's */
    STEP_CPUSETS, /* subject "usher.slice"; "absent" → "live": the guests' slice has the controller cpuset, as
                   * its AllowedCPUs= names all host CPUs. Kept. Systemd's */
    STEP_GOVERNOR,    /* subject "cpu2"; scaling_governor. Yields */
    STEP_USB_DRIVERS, /* subject "/dev/bus/usb/001/007"; "1.0:snd-usb-audio 1.1:usbhid" → "": the drivers of
                       * its interfaces. A device that was unplugged, or has drivers again, counts as given
                       * back */
    STEP_AUTOPROBE, /* subject address; sriov_drivers_autoprobe: whether drivers find its virtual functions */
    STEP_FUNCTIONS, /* subject address; sriov_numvfs: how many virtual functions it has, from "0" or to "0" */
    STEP_MEDIATED, /* subject "4b20d080-…", the UUID of a mediated device; "" → "i915-GVTg_V5_4@0000:00:02.0":
                    * its type, and the device whose driver makes it */
    STEP_BAR_SIZE, /* subject address; "bar 1: 256M" → "bar 1: 16384M", while no driver has the device.
                    * Yields */
    STEP_BACKEND, /* subject address; "" → "iommufd: …" or "group: …", and why. No step: a plan that is shown
                   * has it for people, and it is never taken */
    STEP_WARNING, /* subject "CDROM install"; "" → what the guest would start without. No step, likewise */
    STEP_KIND_MAX,
    STEP_KIND_INVALID = -EINVAL,
} StepKind;

/* Stands in a plan for the owner of the guest that is yet to be started; resolved before it is taken. */
#define STEP_VALUE_GUEST "guest"
/* The owner of a VFIO node that no guest has. */
#define STEP_VALUE_HOST "0:0"

#define STEP_VALUE_RESET "reset"
#define STEP_VALUE_AS_IS "as-is"
/* What is read of a device that answers, or not. */
#define STEP_LIVE_ANSWERS "answering"
#define STEP_LIVE_SILENT "silent"

typedef struct Step {
    StepKind kind;
    char *subject;
    char *before;
    char *after;
} Step;

const char *step_kind_to_string(StepKind kind); /* "module", "power-control", "d3cold", "driver", … */
StepKind step_kind_from_string(const char *name);

/* Never undone (a loaded module stays, and so does a controller). */
bool step_kind_kept(StepKind kind);
/* The live value need not equal `before` when the step is taken: something else may have changed it in
 * between. */
bool step_kind_held(StepKind kind);

/* What somebody else has set meanwhile is theirs: an undo leaves it. */
bool step_kind_yields(StepKind kind);
/* Taken by systemd, not by usher-bind: a unit is started or stopped, or has its properties set. */
bool step_kind_systemd(StepKind kind);

/* A number that others change too, so that what is ours is the difference alone (huge pages). */
bool step_kind_counted(StepKind kind);
/* A counted step with its difference upon another number; not below 0. NULL if live is not a number. */
Step *step_rebase(const Step *step, const char *live);

/* If the live value is after already, before the step is taken, somebody else did that, and undoes it: a
 * number that is right already, a mediated device that exists already. */
bool step_forestalled(const Step *step, const char *live);

/* The host CPUs that a unit is to be kept off, if it is kept off those of live now; for STEP_KEPT_OFF.
 * NULL if one of the values is not a set. The caller frees it. */
char *step_kept_off(const Step *step, const char *live);

Step *step_new(StepKind kind, const char *subject, const char *before, const char *after);
Step *step_copy(const Step *step);
/* The same step with before and after swapped. */
Step *step_undo(const Step *step);
Step *step_free(Step *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Step, step_free)

/* What a step finds when it looks. */
typedef enum StepView {
    STEP_VIEW_BEFORE, /* yet to be taken */
    STEP_VIEW_AFTER,  /* has been taken, or needs not be */
    STEP_VIEW_DRIFT,  /* someone else changed it: neither */
} StepView;

/* Compares a live value with a step; NULL stands for a subject that does not exist any more. A held step
 * is never in drift: it is STEP_VIEW_BEFORE unless live equals after. A vanished VFIO node has no owner to
 * give back: STEP_VIEW_AFTER if after is STEP_VALUE_HOST. A vanished device is drift. */
StepView step_view(const Step *step, const char *live);

/* Whether a step has been taken, after a write that ended with error (0 or -errno). The live value counts,
 * even if the write complained; except for a reset, which the value alone does not show. */
bool step_taken(const Step *step, const char *live, int error);

/* What STEP_MEDIATED is about: the type and the device that it is made of; false if a value of it is none, or
 * of no kind that the kernel names so. The caller frees the type. */
bool step_mediated(const Step *step, char **ret_type, PciAddress *ret_parent);

/* "driver of 0000:01:00.0: radeon → none", for logs and progress. The caller frees it. */
char *step_describe(const Step *step);
