/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lasting way to a guest's display: a socket in /run/usher/display that one user can connect to
 * ([Display] Owner=). usher-bind makes it, and each viewer that connects is handed on to QEMU, one after the
 * other. The socket stays when usherd goes away, and the next usherd makes it anew for the same user. */
#pragma once

#include "../../core/definition/handle.h"
#include "../engine.h"
#include "qemu-link.h"

typedef struct Viewers Viewers;

/* fault NULL: viewers can connect. Else it is borrowed. */
typedef void (*ViewersReady)(const Fault *fault, void *userdata);

/* guest, its name, and link are borrowed. */
Viewers *viewers_new(Engine *engine, const char *guest, QemuLink *link);
/* The socket's name stays, as QEMU may outlive usherd. NULL is fine; returns NULL. */
Viewers *viewers_free(Viewers *viewers);

/* Makes the socket for a user of that name, once. `ready` is called exactly once, from the loop, unless
 * viewers_close() comes first. */
void viewers_open(Viewers *viewers, DisplayType type, const char *owner, ViewersReady ready, void *userdata);
/* QEMU answers: those who have connected wait in the socket's queue until then. */
void viewers_admit(Viewers *viewers);
/* After a restart of the daemon: makes the socket again, if the guest has one. */
void viewers_find(Viewers *viewers);
/* QEMU is gone, or never came: nobody can connect any more, and `ready` is not called. */
void viewers_close(Viewers *viewers);
/* The guest has ended: the socket's name goes, whoever made it. */
void viewers_remove(const Viewers *viewers);
