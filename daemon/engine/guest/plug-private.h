/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guest-plug.c (to the guest) and guest-unplug.c (and back) share. One device is on its way at a time.
 */
#pragma once

#include "private.h"

#define PLUG_ANSWER_USEC (5 * G_USEC_PER_SEC)

struct GuestPlugging {
    Job *job;       /* NULL: nobody asked */
    char *address;  /* what was asked for; NULL likewise */
    Plan *plan;     /* of an attach */
    Opener *opener; /* of its ROM; then */
    HolderGate *gate;
    Execution *execution;
    GHashTable *subjects; /* that are being given back */

    GuestSlot *slot;   /* while QEMU is told; gone with the connection */
    unsigned function; /* the one that QEMU is told to take */
    bool told;         /* QEMU takes it now, and pins the guest's memory, which may last */
    int rom_fd;        /* -1: none */
    int rom_set;       /* its number in QEMU; -1: it does not have it */
    char *rom;         /* where QEMU finds it */
    sd_event_source *deadline;
    Fault *fault; /* what it will end with */
};

GuestPlugging *plugging_new(Guest *g, Job *job, const char *address);
/* Keeps the first fault. Takes it over. */
void plugging_note_fault(GuestPlugging *p, Fault *fault);
/* It is over: tells everybody. */
void plugging_end(Guest *g);
/* QEMU did not answer, so that nobody knows: it is asked for all that it has when it answers again. */
void plugging_end_unknown(Guest *g, int error);

/* QEMU is asked to have the guest let go of what is in the slot. */
void plugging_let_go(Guest *g);
/* What QEMU does not have is given back, and then it is over. */
void plugging_give_back(Guest *g);
