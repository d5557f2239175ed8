/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest with the rig's devices, for tests of what else it may have. */
#pragma once

#include "fake-qemu.h"

/* The rig's definition with more sections. */
GuestDefinition *rig_definition(const Rig *rig, const char *more);
/* Plans the start of a guest and begins it; takes over the definition. The job may be NULL. */
void rig_begin(const Rig *rig, Guest *guest, GuestDefinition *definition, Job *job);
/* What a guest told. */
typedef struct RigReport {
    const Rig *rig;
    const char *refusal;    /* why the rest of its plan is refused; NULL: it is not */
    unsigned rests, rested; /* how often that rest was asked for, and how often the guest came to rest */
    GString *devices;       /* its devices after each change; NULL: nobody cares */
} RigReport;
/* A guest win10 that has never run. */
Guest *rig_guest(RigReport *report);
/* Starts a guest that reports to nobody. */
Guest *rig_start(const Rig *rig, const char *more);
/* Starts a guest and brings it up to running. */
Guest *rig_run(const Rig *rig, FakeQemu *qemu, const char *more);
#define A_GUEST(build, more)                                                                                 \
    A_RIG(build);                                                                                            \
    A_QEMU(qemu, &rig);                                                                                      \
    Guest *guest = rig_run(&rig, &qemu, more)

/* The daemon dies with its guest (finish: as rig_die()) and comes again; pid: QEMU's, or 0 if it has gone. */
void rig_lose_daemon(Rig *rig, Guest *guest, bool finish, pid_t pid);
/* QEMU runs on and waits for the next daemon. */
void rig_restart(Rig *rig, FakeQemu *qemu, Guest *guest);
/* A guest that the daemon finds. */
Guest *rig_find(const Rig *rig, const char *more);

/* Looks again, as udev's message has it; what QEMU is told for that. */
const char *rig_look_again(FakeQemu *qemu, Guest *guest, void (*look)(Guest *guest));

/* QEMU ends well: the guest is at rest, and all is given back. */
void rig_rest(const Rig *rig, const Guest *guest);
/* The same, and frees the guest. */
void rig_end(const Rig *rig, Guest *guest);

/* The addresses of its devices, with blanks between. */
void rig_assert_devices(const Guest *guest, const char *expected);
