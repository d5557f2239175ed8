/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of a command that QEMU did not do. */
#pragma once

#include "../../base/fault.h"

/* error and message: as QmpReply has them. FAULT_GUEST_FAILED: QEMU said no; FAULT_NOT_RUNNING: it hung up;
 * FAULT_UNRESPONSIVE: any other error; NULL: there is none. The caller frees it. */
Fault *qmp_fault(const char *guest, int error, const char *message);
