/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a guest's QEMU. It is made again when it is lost, as long as QEMU runs; a lost connection
 * is never a reason to kill. The link knows whether QEMU answers, and asks for its run state. */
#pragma once

#include "../../base/fault.h"
#include "../../edge/qemu/qmp.h"

typedef struct QemuLink QemuLink;

typedef struct QemuLinkHandler {
    /* QEMU has answered query-status ("running", …; RunState in its manual). */
    void (*status)(const char *status, void *userdata);
    void (*event)(const char *name, struct json_object *data, void *userdata);
    /* QEMU let a deadline pass. */
    void (*silent)(void *userdata);
    /* The connection is gone, and every question over it has failed. */
    void (*lost)(void *userdata);
} QemuLinkHandler;

/* guest, its name, and handler are borrowed. path, of QEMU's socket, is copied. */
QemuLink *qemu_link_new(sd_event *event, const char *guest, const char *path, const QemuLinkHandler *handler,
                        void *userdata);
/* Pending commands are dropped without a call. NULL is fine; returns NULL. */
QemuLink *qemu_link_free(QemuLink *link);

/* QEMU runs: connects, and asks for its run state. patient: QEMU does not count as silent before its first
 * word. */
void qemu_link_open(QemuLink *link, bool patient);
/* Closes the connection for good; pending commands are dropped without a call. */
void qemu_link_close(QemuLink *link);

/* NULL: there is no connection. For commands that may be carried out late; for others see
 * qemu_link_hears(). */
Qmp *qemu_link_qmp(const QemuLink *link);
/* Whether QEMU carries out a command at once, as far as is known: it is connected, and has let no deadline
 * pass. */
bool qemu_link_hears(const QemuLink *link);
/* FAULT_UNRESPONSIVE, raised. */
int qemu_link_raise_silent(const QemuLink *link, Fault **ret_fault);

/* Asks for the run state, unless that was done within the last 5 s. */
void qemu_link_ask(QemuLink *link);
/* A deadline passed without a word from QEMU: it gets no more commands until it answers. Fine if that is
 * known already. */
void qemu_link_go_silent(QemuLink *link);
/* Nobody waits for QEMU's word: QEMU counts as silent, and the handler does not hear of that. */
void qemu_link_give_up(QemuLink *link);

/* QEMU has announced its end, or its process has ended: no new connection is made, and QEMU does not count as
 * silent. */
void qemu_link_set_ending(QemuLink *link, bool ending);
bool qemu_link_ending(const QemuLink *link);
