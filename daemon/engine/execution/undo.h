/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a journal tells of the way back: the steps of an undo without taking them, and which devices are in
 * it. */
#pragma once

#include "../../core/host/pci-address.h"
#include "../../edge/store/journal.h"

/* The steps that execution_undo() would take, in its order. The caller frees the array. */
GPtrArray *undo_plan(const Journal *journal); /* of Step, owned */

/* The numbers of the steps to undo so that a guest loses these subjects (set of char*: addresses, nodes) and
 * keeps the rest. Units that were stopped (none that was started) come back once nothing taken after them is
 * left: while they were down, nobody could ask whether they hold it. Of unsigned, the caller frees the array.
 */
GArray *undo_some(const Journal *journal, GHashTable *subjects);
/* The steps of undo_some(), as undo_plan() tells them. */
GPtrArray *undo_some_plan(const Journal *journal, GHashTable *subjects);

/* Units that were stopped for the owner, and are still down for it. Of char*, NULL-terminated; the caller
 * frees it. */
char **undo_stopped_units(const Journal *journal);

/* A step on this device stands. */
bool undo_covers(const Journal *journal, PciAddress address);

/* The addresses with a step standing, in the order of their first step; of char*, owned by the caller. */
GPtrArray *undo_addresses(const Journal *journal);

/* The addresses that were lent: that left a driver or were given another. A device that virtual functions
 * were made of stays with the host. Ownership as above. */
GPtrArray *undo_lent(const Journal *journal);

/* The devices of which mediated devices were made that still stand; they stay with the host, too. Ownership
 * as above. */
GPtrArray *undo_parents(const Journal *journal);

/* Whether every device that left its driver or had its override set has certainly been probed: the bind
 * ended, and was not cut off by a crash. */
bool undo_is_whole_bind(const GPtrArray *standing /* of JournalOpen */);
