/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's USB devices that a guest gets while it runs ([USB]). The devices are looked for whenever one
 * comes or goes. A device that was unplugged, or that slept, is another one when it is back. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../edge/qemu/qmp.h"
#include "../../edge/store/journal.h"
#include "../engine.h"

typedef struct Usbs Usbs;

typedef struct UsbsHandler {
    /* QEMU's connection; NULL: QEMU accepts no commands now. */
    Qmp *(*qmp)(void *userdata);
    /* usbs_words() has changed. */
    void (*changed)(void *userdata);
    /* usbs_end() returned false, and the step has ended. The object may be freed from within. */
    void (*ended)(void *userdata);
} UsbsHandler;

/* All is borrowed. */
typedef struct UsbsSetup {
    Engine *engine;
    const char *guest;
    const GPtrArray *wishes; /* of DefinitionUsb */
    Journal *journal;
    int folder_fd; /* the guest's, which tells a daemon that comes after this one what QEMU has */
} UsbsSetup;

Usbs *usbs_new(const UsbsSetup *setup, const UsbsHandler *handler, void *userdata);
/* NULL is fine; returns NULL. */
Usbs *usbs_free(Usbs *usbs);

/* Claims the devices for the guest again that QEMU got from an earlier daemon. */
void usbs_recall(Usbs *usbs);
/* A USB device may have come or gone: gives QEMU those that are there. */
void usbs_sync(Usbs *usbs);
/* The same, and tries those again that could not be given. */
void usbs_retry(Usbs *usbs);
/* QEMU is gone. False: a step is under way, and `ended` follows. usbs NULL is fine: true. */
bool usbs_end(Usbs *usbs);

/* Of char*: "headset: 046d:0a8f at port 1-2.3", "stick: is not plugged in; …". The caller frees the array. */
GPtrArray *usbs_words(const Usbs *usbs);
