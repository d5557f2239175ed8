/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root ports of a guest that devices of the host can be behind, and what is behind them. Known from the
 * command line at the start; asked of QEMU itself when usherd was away, or an answer did not come: what it
 * has is what counts. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../core/plan/plan.h"
#include "qemu-link.h"

typedef struct Slots Slots;

#define SLOT_FUNCTIONS 8
typedef struct Slot {
    char *name;                      /* "pci-gpu", "spare-0" */
    char *functions[SLOT_FUNCTIONS]; /* addresses of what QEMU has there; NULL: nothing */
    bool leaving;                    /* the guest was asked to let go of it, and has not yet */
} Slot;

/* slots_find(): QEMU has told. */
typedef void (*SlotsFound)(void *userdata);

/* What is in them is not known. link is borrowed. */
Slots *slots_new(QemuLink *link, SlotsFound found, void *userdata);
/* NULL is fine; returns NULL. */
Slots *slots_free(Slots *slots);

/* Those of the command line of that definition and plan. */
void slots_note(Slots *slots, const GuestDefinition *definition, const Plan *plan);
/* What QEMU has is not known any more. */
void slots_forget(Slots *slots);
/* Asks QEMU, unless they are known or are being asked for: then `found` follows, if it answers. */
void slots_find(Slots *slots, Qmp *qmp);
/* For what follows they must be known. A Slot is borrowed until they are forgotten. */
bool slots_known(const Slots *slots);

unsigned slots_count(const Slots *slots);
Slot *slots_at(const Slots *slots, unsigned index);
/* NULL: no slot has it; fine if they are not known. */
Slot *slots_of(const Slots *slots, const char *address);
/* An empty one: of the device's own section, or spare; NULL: there is none. */
Slot *slots_for(const Slots *slots, const PlanDevice *device);
unsigned slots_spare(const Slots *slots);
/* QEMU has rid itself of a device: the slot that it was in, or NULL. */
Slot *slots_deleted(Slots *slots, const char *id);

/* The lowest function that is there; -1: the slot is empty. */
int slot_lowest(const Slot *slot);
