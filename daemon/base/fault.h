/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fault is a documented outcome that a person will read: what happened, to which device or guest, and what
 * to do now. Functions that can end in one return
 *
 *      0             done, outputs set
 *      FAULT_RAISED  (positive) refused or failed in a documented way, *ret_fault set, nothing else
 *      -errno        unexpected; passed up unchanged
 *
 * Each kind is one D-Bus error name, org.usher1.Error.<Name>. */
#pragma once

#include <errno.h>
#include <glib.h>

#define FAULT_RAISED 1

typedef enum FaultKind {
    FAULT_NO_SUCH_GUEST,
    FAULT_NO_SUCH_DEVICE,
    FAULT_NO_SUCH_JOB,
    FAULT_INVALID_NAME,
    FAULT_BAD_DEFINITION,
    FAULT_BAD_OPTION,
    FAULT_NO_IOMMU,
    FAULT_NOT_VIABLE,   /* the IOMMU group holds more than was asked for */
    FAULT_IN_USE,       /* claimed by another guest, or needed by the host */
    FAULT_MISSING_FILE, /* a disk, kernel image or program named in a definition */
    FAULT_REFUSED,
    FAULT_BUSY, /* another job on the same guest or device is under way */
    FAULT_ALREADY_RUNNING,
    FAULT_NOT_RUNNING,
    FAULT_DRIFT, /* the live value is neither the one before nor the one after */
    FAULT_STUCK, /* a write to the device hangs in the kernel */
    FAULT_TIMEOUT,
    FAULT_UNRESPONSIVE, /* QEMU does not answer on QMP */
    FAULT_GUEST_FAILED, /* QEMU died or refused */
    FAULT_NOT_AUTHORIZED,
    FAULT_FAILED,
    FAULT_KIND_MAX,
    FAULT_KIND_INVALID = -EINVAL,
} FaultKind;

typedef struct Fault {
    FaultKind kind;
    char *message; /* what is wrong, naming file, line, key, device or guest; no full stop at the end */
    char *remedy;  /* what the user can do now; NULL if there is nothing to say */
} Fault;

/* The D-Bus name of a kind, without the prefix: "NotViable". Never NULL for a valid kind. */
const char *fault_kind_to_string(FaultKind kind);
FaultKind fault_kind_from_string(const char *name);

/* Takes a printf format; the remedy is a plain string or NULL. Each is cut to WORDS_MESSAGE_MAX bytes, as it
 * is sent to others. The caller owns the result. */
Fault *fault_new(FaultKind kind, const char *remedy, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets *ret (if ret is not NULL) to a new fault and returns FAULT_RAISED:
 *     return fault_raise(ret_fault, FAULT_IN_USE, "stop it first: usherctl stop win10", "%s is …", addr); */
int fault_raise(Fault **ret, FaultKind kind, const char *remedy, const char *format, ...) G_GNUC_PRINTF(4, 5);

Fault *fault_copy(const Fault *fault);

/* "message; remedy" as one line. The caller frees it. */
char *fault_to_line(const Fault *fault);

/* NULL is fine; returns NULL. */
Fault *fault_free(Fault *fault);

static inline void fault_freep(Fault **fault)
{
    fault_free(*fault);
}
#define _cleanup_fault_ __attribute__((cleanup(fault_freep)))
