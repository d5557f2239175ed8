/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guest-usb.c (which device is to be given) and guest-usb-give.c (giving it) share. One device is on its
 * way at a time. */
#pragma once

#include "private.h"

struct GuestUsb {
    const DefinitionUsb *wish; /* borrowed from the definition */
    char *node;  /* "/dev/bus/usb/001/007": what QEMU has, or could not be given; NULL: nothing */
    ino_t inode; /* of that node: after a reset of the controller another device may have the same name */
    bool given;  /* QEMU has it */
    bool again;  /* to be tried though it could not be given before */
    char *words; /* for people: the device, or why there is none */
};

/* Nothing tells when whoever holds a device lets go of it. */
#define GUEST_USB_AGAIN "; to try again: usherctl reload"

/* guest-usb.c */
/* The one that something is being done for. */
GuestUsb *guest_usb_current(const Guest *g);
/* Told once, not at each look. words are taken over. */
void guest_usb_set_words(Guest *g, int level, char *words);
/* QEMU has other devices than before. */
void guest_usb_remember(Guest *g);
/* That one is done with. */
void guest_usb_look_on(Guest *g);

/* guest-usb-give.c */
/* Gives the guest the node of the current one; goes on with guest_usb_look_on(). */
void guest_usb_give(Guest *g);
/* Calls that off, but for a step that is under way. */
void guest_usb_drop(Guest *g);
