/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a QEMU has what a command line asks of it. QEMU itself would say so only when the devices have left
 * the host. */
#pragma once

#include "argv.h"

/* Checks the CPU model and its properties, SPICE, the sound driver, every -device and its properties, as far
 * as they are known, also where [QEMU] asks for them. FAULT_RAISED with REFUSED:
 * "/usr/bin/… (7.2.22) has no device type nvme, which disk-system needs". */
int qemu_command_check(const QemuCommand *command, const QemuFacts *facts, Fault **ret_fault);
