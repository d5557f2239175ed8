/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's journal tells of and QEMU does not have: that is the host's, whoever took it from the guest.
 */
#pragma once

#include "../../edge/store/journal.h"
#include "../engine.h"
#include "slots.h"

/* Set of char*: the subjects of those steps; the caller frees it. slots must be known. without: as if the
 * guest did not have what is in that slot; NULL: as things are. left: set of char*, subjects to be left out;
 * may be NULL. */
GHashTable *give_back_subjects(const Engine *engine, const Journal *journal, const Slots *slots,
                               const Slot *without, GHashTable *left);
