/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QMP connection: connects to the guest's socket (whose listening end QEMU got as a descriptor),
 * negotiates, sends commands, passes events on. A connection that breaks is reported once and is never a
 * reason to kill: the owner connects again. No callback comes from within a call of the owner's; all of
 * them may call qmp_free(). */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* How long an answer may take: with a timer's slack still within the 5 s in which a QEMU that does not answer
 * is said to be silent. */
#define QMP_ANSWER_USEC (4700 * (uint64_t)1000)

typedef struct Qmp Qmp;

typedef struct QmpHandler {
    /* Negotiated: commands may be sent. */
    void (*ready)(Qmp *qmp, void *userdata);
    /* data is borrowed and may be NULL. */
    void (*event)(Qmp *qmp, const char *name, struct json_object *data, void *userdata);
    /* The peer hung up (error 0), or the connection broke (error < 0, -EBADMSG for data that is not QMP).
     * Called once. Pending commands have been answered -ECONNRESET before. */
    void (*closed)(Qmp *qmp, int error, void *userdata);
} QmpHandler;

/* Connects to path at once (a listening socket takes the connection before QEMU runs). -ECONNREFUSED,
 * -ENOENT: nobody listens; -EAGAIN: too many wait already; -ENAMETOOLONG. Only the owner watches for a
 * peer that never says anything. */
int qmp_connect(sd_event *event, const char *path, const QmpHandler *handler, void *userdata, Qmp **ret);
/* The same with a descriptor that is connected already, and is taken over in every case. */
int qmp_adopt(sd_event *event, int fd, const QmpHandler *handler, void *userdata, Qmp **ret);
/* Pending commands are dropped without a call. */
Qmp *qmp_free(Qmp *qmp);
bool qmp_ready(const Qmp *qmp); /* NULL is not */

/* error 0: result (borrowed, may be NULL); -EREMOTEIO: QEMU refused, message has its reason; -ETIMEDOUT:
 * no answer in time (it may still come and is dropped); -ECONNRESET. Called exactly once. */
typedef void (*QmpReply)(Qmp *qmp, int error, const char *message, struct json_object *result,
                         void *userdata);
/* arguments may be NULL and are consumed, in every case. timeout_usec 0: none. reply may be NULL. -ENOTCONN:
 * not ready, or qmp is NULL; -ENOBUFS: QEMU takes nothing any more. */
int qmp_command(Qmp *qmp, const char *name, struct json_object *arguments, uint64_t timeout_usec,
                QmpReply reply, void *userdata);

/* The same with a descriptor beside the command's first byte, as add-fd and getfd take it. The descriptor
 * is taken over in every case; -EBUSY: another has not been answered yet. */
int qmp_command_with_fd(Qmp *qmp, int fd, const char *name, struct json_object *arguments,
                        uint64_t timeout_usec, QmpReply reply, void *userdata);

/* Makes the listening socket at path (an old one is replaced, mode 0600). Returns the descriptor: hand it to
 * QEMU and close it here, or QEMU's end is never noticed. */
int qmp_listen(const char *path);
