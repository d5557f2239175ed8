/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-fault.h"

#include <errno.h>

Fault *qmp_fault(const char *guest, int error, const char *message)
{
    switch (error) {
    case 0:
        return NULL;
    case -EREMOTEIO:
        return fault_new(FAULT_GUEST_FAILED, NULL, "QEMU of guest %s refused: %s", guest, message);
    case -ECONNRESET:
        return fault_new(FAULT_NOT_RUNNING, NULL, "guest %s ended, or QEMU hung up", guest);
    default:
        return fault_new(FAULT_UNRESPONSIVE, "to end the guest: usherctl kill",
                         "QEMU of guest %s does not answer", guest);
    }
}
