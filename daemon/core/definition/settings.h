/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an administrator sets for the daemon as a whole: usherd.conf and its drop-ins, in the syntax of a
 * guest's definition. */
#pragma once

#include "handle.h"

typedef struct Settings {
    uint64_t slow_usec;        /* a step that takes longer is reported */
    uint64_t stuck_usec;       /* and one that takes this long is given up */
    bool allow_qemu_arguments; /* [QEMU] of a guest's definition counts */
} Settings;

/* What holds where nothing is said. */
Settings settings_default(void);

/* Later texts override earlier ones. FAULT_RAISED with BAD_DEFINITION, "usherd.conf:3: [Usherd] SlwSec= is
 * not known": *ret is left as it was. */
int settings_parse(const DefinitionText *texts, size_t n_texts, Settings *ret, Fault **ret_fault);
