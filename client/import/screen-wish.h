/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's screen on the host, and its sound. */
#pragma once

#include "wishes.h"

/* A server "spice" or "vnc"; card: the guest has an emulated graphics card beside; agent: the channel of
 * SPICE's agent (clipboard). port: where it listened (NULL: nowhere). */
void wish_screen(Wishes *wishes, const char *server, bool card, bool agent, const char *port,
                 const Node *from);
/* A window of QEMU's own on the host ("gtk", "sdl"), or an emulated card that nothing shows. */
void wish_window(Wishes *wishes, const char *kind, const Node *from);

/* server: the socket of the sound server; NULL: not said. */
void wish_sound(Wishes *wishes, const char *driver, const char *server, const Node *from);
/* An emulated card other than usher's: "AC97", "hda-micro". */
void wish_sound_card(Wishes *wishes, const char *model, const Node *from);
/* USB devices of the viewer's. */
void wish_usb_redirection(Wishes *wishes, const Node *from);
