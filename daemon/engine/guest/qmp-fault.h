/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fault for a command that QEMU did not carry out. */
#pragma once

#include "../../base/fault.h"

/* error and message: as in QmpReply. FAULT_GUEST_FAILED: QEMU refused; FAULT_NOT_RUNNING: it hung up;
 * FAULT_UNRESPONSIVE: any other error; NULL: there is none. The caller frees it. */
Fault *qmp_fault(const char *guest, int error, const char *message);
