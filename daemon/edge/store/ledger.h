/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger of devices that failed a reset or a restore: /var/lib/usher/ledger, a line for each. It
 * outlives reboots, as a card that did not come back from a reset once will hang the host's driver the
 * next time. A device in the ledger is in quarantine until an administrator releases it. NULL instead of a
 * ledger means an empty one. */
#pragma once

#include <stdint.h>

typedef struct Ledger Ledger;

/* Reads the file below dir_fd (borrowed). Lines that make no sense are logged and left out: a damaged
 * ledger keeps no daemon from starting. */
Ledger *ledger_open(int dir_fd);
Ledger *ledger_free(Ledger *ledger);

/* Notes a failure of the device at this address (text); what was noted before is replaced. It holds even
 * where the file cannot be written, as long as the daemon lives: then -errno. */
int ledger_note(Ledger *ledger, const char *address, uint64_t realtime_usec, const char *what);

/* -ENOENT if the ledger does not have it. */
int ledger_clear(Ledger *ledger, const char *address);

/* "since 2026-01-01 10:00:00: reset failed: Input/output error"; NULL if the ledger does not have it. */
const char *ledger_reason(const Ledger *ledger, const char *address);
