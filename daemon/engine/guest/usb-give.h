/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One USB device on its way to a guest: usher-bind opens its node, its drivers leave by a step, and QEMU gets
 * the descriptor. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../edge/qemu/qmp.h"
#include "../../edge/store/journal.h"
#include "../engine.h"

typedef struct UsbGive UsbGive;

typedef struct UsbGiveHandler {
    /* QEMU's connection; NULL: QEMU accepts no commands now. */
    Qmp *(*qmp)(void *userdata);
    /* Called exactly once, from the loop, unless usb_give_stop() or usb_give_free() was called before. why
     * NULL: QEMU has the device; else borrowed. The object may be freed from within. */
    void (*done)(const char *why, void *userdata);
    /* usb_give_stop() returned false, and the step has ended. The object may be freed from within. */
    void (*stopped)(void *userdata);
} UsbGiveHandler;

/* node, "/dev/bus/usb/001/007", is copied, wish and journal are borrowed. index: the section's place among
 * its like. */
UsbGive *usb_give_new(Engine *engine, Journal *journal, const DefinitionUsb *wish, unsigned index,
                      const char *node, const UsbGiveHandler *handler, void *userdata);
/* No call follows. NULL is fine; returns NULL. */
UsbGive *usb_give_free(UsbGive *give);
/* QEMU is gone. False: a step is under way, and `stopped` follows. NULL is fine: true. */
bool usb_give_stop(UsbGive *give);
