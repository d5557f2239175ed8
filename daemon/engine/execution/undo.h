/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a journal tells of the way back: the steps of an undo without taking them, and which devices are in
 * it. */
#pragma once

#include "../../core/host/pci-address.h"
#include "../../edge/store/journal.h"

/* The steps that execution_undo() would take, in its order. The caller frees the array. */
GPtrArray *undo_plan(const Journal *journal); /* of Step, owned */

/* The numbers of the steps that are to be undone so that a guest is rid of these subjects (set of char*:
 * addresses, nodes) and keeps what else it has. Units that were stopped come back when nothing is left of
 * what was taken after them: those who took it were not asked whether they hold it, as they were down. Of
 * unsigned, the caller frees the array. */
GArray *undo_some(const Journal *journal, GHashTable *subjects);
/* The steps of that, as undo_plan() tells them. */
GPtrArray *undo_some_plan(const Journal *journal, GHashTable *subjects);

/* A step on this device stands. */
bool undo_covers(const Journal *journal, PciAddress address);

/* The addresses with a step standing, in the order of their first; of char*, owned by the caller. */
GPtrArray *undo_addresses(const Journal *journal);

/* Those of them that were lent: that left a driver, or were given another. One that virtual functions were
 * made of stays with the host. Likewise. */
GPtrArray *undo_lent(const Journal *journal);

/* Those that mediated devices were made of, which stand. They stay with the host, too. Likewise. */
GPtrArray *undo_parents(const Journal *journal);

/* Every device that left its driver or had its override set has been probed for certain: the bind was carried
 * out to its end, not cut off by a crash. */
bool undo_is_whole_bind(const GPtrArray *standing /* of JournalOpen */);
