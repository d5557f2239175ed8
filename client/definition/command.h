/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line that QEMU would get for a definition, written by the code that writes it for a start. It
 * needs neither usherd nor the guest's devices: what is not on this host, or not known here, has a name. */
#pragma once

#include <glib.h>

#include "../../daemon/base/fault.h"
#include "../../daemon/core/qemu/argv.h"

/* files: of DefinitionFile. What had to be assumed is added to notes, of char*, a sentence each.
 * FAULT_RAISED as definition_parse(). */
int command_of_files(const char *name, const GPtrArray *files, GPtrArray *notes, QemuCommand **ret,
                     Fault **ret_fault);
