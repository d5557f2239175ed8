/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The screen, keyboard and mouse that QEMU gives a guest. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "handle.h"

typedef enum KeyboardType {
    KEYBOARD_PS2, /* the chipset's own */
    KEYBOARD_USB,
    KEYBOARD_VIRTIO,
    KEYBOARD_MAX,
    KEYBOARD_INVALID = -EINVAL,
} KeyboardType;

/* A tablet tells where the pointer is, a mouse how it moved. */
typedef enum MouseType {
    MOUSE_AUTO, /* a tablet by USB with an emulated card, else the chipset's own mouse */
    MOUSE_PS2,
    MOUSE_USB,
    MOUSE_VIRTIO,
    MOUSE_USB_TABLET,
    MOUSE_VIRTIO_TABLET,
    MOUSE_MAX,
    MOUSE_INVALID = -EINVAL,
} MouseType;

/* [Display] */
typedef struct DefinitionDisplay {
    DisplayType type;      /* default none */
    char *owner;           /* Owner=: who may connect to its socket; NULL: it has none */
    bool no_card;          /* Card=none: a SPICE server without an emulated card */
    bool clipboard;        /* Clipboard=, default yes; SPICE alone */
    unsigned usb_redirect; /* USBRedirect=: how many USB devices a viewer can plug in; SPICE alone */
    KeyboardType keyboard; /* default ps2 */
    MouseType mouse;       /* default auto */
} DefinitionDisplay;

/* Whether there is an emulated graphics card. */
static inline bool display_has_card(const DefinitionDisplay *display)
{
    return display->type != DISPLAY_NONE && !display->no_card;
}

/* The mouse that auto stands for. */
static inline MouseType display_mouse(const DefinitionDisplay *display)
{
    if (display->mouse != MOUSE_AUTO)
        return display->mouse;
    return display_has_card(display) ? MOUSE_USB_TABLET : MOUSE_PS2;
}
