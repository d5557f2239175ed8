/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network card as a source describes it, and the section that it becomes. */
#pragma once

#include "wishes.h"

typedef struct NetWish {
    const char *name, *id;
    const char *mode; /* usher's own word */
    const char *bridge, *device, *parent, *model, *mac, *queues;
    const Node *from;
} NetWish;

DraftSection *net_wish_write(Wishes *wishes, const NetWish *net);
/* QEMU's "tcp:127.0.0.1:3389-:3389". */
void net_wish_forward(Wishes *wishes, DraftSection *section, const char *rule, const Node *from);
