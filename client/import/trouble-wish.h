/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens when the guest's system hangs or panics. */
#pragma once

#include "wishes.h"

/* A watchdog by its model ("i6300esb"; NULL: not said), and what it does in QEMU's words: "reset", "pause",
 * "none". If usher's does no such thing, the guest has none, which the draft's list says. */
void wish_watchdog(Wishes *wishes, const char *model, const char *action, const Node *from);
/* A device by which the system reports a panic, unless somebody has said what follows one. */
void wish_panic_device(Wishes *wishes, const Node *from);
/* QEMU's word of what follows a panic: "shutdown", "pause", "none". device: the guest has one that reports
 * it. */
void wish_panic(Wishes *wishes, const char *action, bool device, const Node *from);
