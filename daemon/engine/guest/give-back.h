/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are in a guest's journal and that QEMU does not have. They belong to the host, whoever took
 * them from the guest. */
#pragma once

#include "../../edge/store/journal.h"
#include "../engine.h"
#include "slots.h"

/* Set of char*: the subjects of those steps; the caller frees it. slots must be known. without: a slot whose
 * device counts as gone; NULL: none. left: set of char*, subjects to be left out; may be NULL. */
GHashTable *give_back_subjects(const Engine *engine, const Journal *journal, const Slots *slots,
                               const Slot *without, GHashTable *left);
