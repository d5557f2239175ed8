/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stand-in for usher-launch and the QEMU that takes its place: the other end of the launcher's channel, and
 * of the QMP socket that is handed over on it. tests/bus/test_daemon.py has the real ones; those cannot be
 * made to go, or to fall silent, between any two messages. */
#pragma once

#include "../../../daemon/engine/guest/guest.h"
#include "rig.h"

#define QEMU_PID 4242

typedef struct FakeQemu {
    const Rig *rig;
    int launch_fd; /* the launcher's end; -1: not connected */
    int listen_fd, qmp_fd;
    char *emulator;       /* the program that the launcher was to become; NULL: none */
    bool mute;            /* reads, and answers nothing */
    bool tray_locked;     /* by its guest */
    const char *chardevs; /* NULL: "{}" */
    const char *status;   /* "prelaunch", "running", "paused", … */
    bool stays;           /* so, whatever it is told */
    const char *button;   /* the answer about its power button's register; NULL: {} */
    GString *commands;    /* that it got, a line each */
    GString *files;       /* what the descriptors that it got lead to, likewise */
    GPtrArray *ports;     /* of char*: ids */
    GHashTable *devices;  /* id → address, of the host's devices that it has */
    int group;            /* the group that it has open while it has any device; 0: none */
    const char *refuses;  /* a device that it refuses; NULL: none */
    bool iommufd;         /* it has the object */
    bool keeps;           /* its guest does not let devices go */
} FakeQemu;

FakeQemu fake_qemu_new(const Rig *rig);
void fake_qemu_free(FakeQemu *qemu);
#define A_QEMU(name, rig) __attribute__((cleanup(fake_qemu_free))) FakeQemu name = fake_qemu_new(rig)

/* The launcher connects. */
void fake_qemu_connect(FakeQemu *qemu, Guest *guest);
/* It goes. */
void fake_qemu_hang_up(FakeQemu *qemu);
/* If the launcher was told to run QEMU, QEMU is in its place from now on. */
bool fake_qemu_take_over(FakeQemu *qemu);
/* Both, and QEMU answers. */
void fake_qemu_launch(FakeQemu *qemu, Guest *guest);
/* Sends words to the process that the launcher left behind; returns its answer, with blanks between words.
 * The caller frees it. */
char *fake_qemu_place(FakeQemu *qemu, const char *const *words);
/* Greets whoever has connected, and answers as long as there is anything to do at once. */
void fake_qemu_serve(FakeQemu *qemu);
/* The connection breaks, and the daemon has made another, which QEMU has not greeted yet. */
void fake_qemu_break(FakeQemu *qemu);
/* The guest's run state changes: "SUSPEND", "suspended". */
void fake_qemu_run(FakeQemu *qemu, const char *event, const char *status);
/* It says that it ends, for this reason ("guest-reset"), and ends well. */
void fake_qemu_end(FakeQemu *qemu, const char *reason);
/* The same, and has not ended yet. */
void fake_qemu_shut_down(FakeQemu *qemu, const char *reason);
/* The guest lets go of the device in a slot, "spare-0". */
void fake_qemu_eject(FakeQemu *qemu, const char *slot);
/* The guest opens the tray of a drive, "cdrom-install". */
void fake_qemu_open_tray(FakeQemu *qemu, const char *drive);
