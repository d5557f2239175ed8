/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QMP on the wire: commands out, messages in. No descriptors here; edge/qemu/qmp.h carries the bytes. */
#pragma once

#include <errno.h>
#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "../definition/life.h"

/* QEMU's longest answers have some 300 KB (query-qmp-schema). A guest that broke out of it may send what it
 * likes, and parsed JSON takes many times the memory of its text. */
#define QMP_MESSAGE_MAX (1024 * 1024)

typedef enum QmpKind {
    QMP_GREETING,
    QMP_REPLY, /* id, data */
    QMP_ERROR, /* id, text ("desc") */
    QMP_EVENT, /* name, data */
} QmpKind;

typedef struct QmpMessage {
    QmpKind kind;
    uint64_t id;              /* of a reply or error; 0 if it had none */
    char *name;               /* of an event: "SHUTDOWN" */
    char *text;               /* of an error */
    struct json_object *data; /* "return" of a reply, "data" of an event; NULL if there was none. Owned */
} QmpMessage;

/* What a guest's end is, by the reason that QEMU gives for its SHUTDOWN (ShutdownCause in
 * qapi/run-state.json; NULL: none). A reset is one only if it ends QEMU (-no-reboot). */
GuestEnd qmp_shutdown_end(const char *reason);

/* {"execute": name, "arguments": …, "id": id} and a newline; arguments may be NULL and stay the caller's. The
 * caller frees the text. */
char *qmp_command_to_text(const char *name, struct json_object *arguments, uint64_t id);

/* Takes bytes as they come and gives whole messages. After a message over QMP_MESSAGE_MAX, or one that is
 * not JSON or not QMP, every call is -EBADMSG: drop the connection. */
typedef struct QmpReader QmpReader;
QmpReader *qmp_reader_new(void);
QmpReader *qmp_reader_free(QmpReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpReader, qmp_reader_free)
/* Appends what was read. Take the messages before feeding more. */
int qmp_reader_feed(QmpReader *reader, const void *bytes, size_t size);
/* 1 and a message, 0 if none is whole yet, or -EBADMSG. */
int qmp_reader_next(QmpReader *reader, QmpMessage **ret);

/* NULL is fine; returns NULL. */
QmpMessage *qmp_message_free(QmpMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpMessage, qmp_message_free)
