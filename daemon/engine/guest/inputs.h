/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's input devices that a guest gets while it runs ([Input]). The devices are looked for whenever one
 * comes or goes. A step hands over the node of each, and QEMU is told. */
#pragma once

#include "../../core/definition/handle.h"
#include "../../edge/qemu/qmp.h"
#include "../../edge/store/journal.h"
#include "../engine.h"

typedef struct Inputs Inputs;

typedef struct InputsHandler {
    /* QEMU's connection; NULL: QEMU accepts no commands now. */
    Qmp *(*qmp)(void *userdata);
    /* inputs_end() returned false, and the step has ended. The object may be freed from within. */
    void (*ended)(void *userdata);
} InputsHandler;

/* All is borrowed. */
typedef struct InputsSetup {
    Engine *engine;
    const char *guest;
    const GPtrArray *wishes; /* of DefinitionInput */
    Journal *journal;
    uid_t uid; /* the guest's user */
    gid_t gid;
    bool adopted; /* QEMU was found running: it has the nodes that its user owns */
} InputsSetup;

Inputs *inputs_new(const InputsSetup *setup, const InputsHandler *handler, void *userdata);
/* NULL is fine; returns NULL. */
Inputs *inputs_free(Inputs *inputs);

/* An input device may have come or gone: gives QEMU those that are there. */
void inputs_sync(Inputs *inputs);
/* QEMU is gone. False: a step is under way, and `ended` follows. inputs NULL is fine: true. */
bool inputs_end(Inputs *inputs);
