/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a guest's QEMU: it is made again when it is lost, for as long as QEMU runs, and a lost
 * one is never a reason to kill. Whether QEMU answers, and the question how it is. */
#pragma once

#include "../../base/fault.h"
#include "../../edge/qemu/qmp.h"

typedef struct QemuLink QemuLink;

typedef struct QemuLinkHandler {
    /* QEMU answers how it is ("running", …; RunState in its manual). */
    void (*status)(const char *status, void *userdata);
    void (*event)(const char *name, struct json_object *data, void *userdata);
    /* QEMU let a deadline pass. */
    void (*silent)(void *userdata);
    /* The connection is gone, and what was asked over it has failed. */
    void (*lost)(void *userdata);
} QemuLinkHandler;

/* guest, its name, and handler are borrowed. path, of QEMU's socket, is copied. */
QemuLink *qemu_link_new(sd_event *event, const char *guest, const char *path, const QemuLinkHandler *handler,
                        void *userdata);
/* Pending commands are dropped without a call. NULL is fine; returns NULL. */
QemuLink *qemu_link_free(QemuLink *link);

/* QEMU runs: connects, and asks how it is. patient: until QEMU's first word nobody calls it silent. */
void qemu_link_open(QemuLink *link, bool patient);
/* Closes the connection for good; pending commands are dropped without a call. */
void qemu_link_close(QemuLink *link);

/* NULL: there is no connection. For what may be done late as well; else see qemu_link_hears(). */
Qmp *qemu_link_qmp(const QemuLink *link);
/* Whether QEMU does what it is told, as far as is known, and does it now: it is connected, and has let no
 * deadline pass. */
bool qemu_link_hears(const QemuLink *link);
/* FAULT_UNRESPONSIVE, raised. */
int qemu_link_raise_silent(const QemuLink *link, Fault **ret_fault);

/* Asks how it is, unless that was done within the last 5 s. */
void qemu_link_ask(QemuLink *link);
/* A deadline passed without a word from QEMU: it is told nothing more until it answers. Fine if that is
 * known. */
void qemu_link_go_silent(QemuLink *link);
/* Nobody waits for its word: it counts as silent, and the handler does not hear of it. */
void qemu_link_give_up(QemuLink *link);

/* QEMU has announced its end, or its process has ended: it is not connected to again, and not called silent.
 */
void qemu_link_set_ending(QemuLink *link, bool ending);
bool qemu_link_ending(const QemuLink *link);
