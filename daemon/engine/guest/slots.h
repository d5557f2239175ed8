/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's root ports for host devices, and the devices behind them. They are known from the command line
 * at the start. If usherd was away, or an answer did not come, QEMU itself is asked, as only what it has
 * counts. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../core/plan/plan.h"
#include "qemu-link.h"

typedef struct Slots Slots;

#define SLOT_FUNCTIONS 8
typedef struct Slot {
    char *name;                      /* "pci-gpu", "spare-0" */
    char *functions[SLOT_FUNCTIONS]; /* addresses of the functions that QEMU has there; NULL: nothing */
    bool leaving;                    /* the guest was asked to release the device, and has not yet */
} Slot;

/* slots_find(): QEMU has told. */
typedef void (*SlotsFound)(void *userdata);

/* The new slots are not known yet. link is borrowed. */
Slots *slots_new(QemuLink *link, SlotsFound found, void *userdata);
/* NULL is fine; returns NULL. */
Slots *slots_free(Slots *slots);

/* Takes the slots from the command line of that definition and plan. */
void slots_note(Slots *slots, const GuestDefinition *definition, const Plan *plan);
/* Forgets what QEMU has. */
void slots_forget(Slots *slots);
/* Asks QEMU, unless the slots are known or are being asked for; `found` follows if QEMU answers. */
void slots_find(Slots *slots, Qmp *qmp);
/* For the calls below the slots must be known. A Slot is borrowed until they are forgotten. */
bool slots_known(const Slots *slots);

unsigned slots_count(const Slots *slots);
Slot *slots_at(const Slots *slots, unsigned index);
/* NULL: no slot has it; fine if the slots are not known. */
Slot *slots_of(const Slots *slots, const char *address);
/* An empty slot: that of the device's own section, or a spare one; NULL: there is none. */
Slot *slots_for(const Slots *slots, const PlanDevice *device);
unsigned slots_spare(const Slots *slots);
/* QEMU has deleted a device: returns its slot, or NULL. */
Slot *slots_deleted(Slots *slots, const char *id);

/* The lowest function that is there; -1: the slot is empty. */
int slot_lowest(const Slot *slot);
