/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens when the guest's system hangs or panics. */
#pragma once

#include "wishes.h"

/* A watchdog, and what it does in QEMU's words: "reset", "pause", "none". false: usher's does no such thing,
 * so the guest has none, which the draft's list says. */
bool wish_watchdog(Wishes *wishes, const char *action, const Node *from);
/* A device by which the system reports a panic, unless somebody has said what follows one. */
void wish_panic_device(Wishes *wishes, const Node *from);
/* QEMU's word of what follows a panic: "shutdown", "pause", "none". device: the guest has one that reports
 * it. */
void wish_panic(Wishes *wishes, const char *action, bool device, const Node *from);
