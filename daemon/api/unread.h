/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers do not read of usherd's answers. dbus-daemon keeps it, as usherd's, and once that is
 * max_incoming_bytes (127 MiB, dbus-daemon(1)) it takes nothing more from usherd, whoever it is for
 * (check_read_watch() in dbus/dbus-transport-socket.c). So every few calls the bus is asked how much that is,
 * and whose; and who does not read is answered no more. */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

typedef struct Unread Unread;

typedef enum UnreadVerdict {
    UNREAD_ANSWER,
    UNREAD_REFUSE, /* there is too much altogether */
    UNREAD_DROP,   /* the caller does not read: not even a refusal */
} UnreadVerdict;

Unread *unread_new(sd_bus *bus);
Unread *unread_free(Unread *unread);

/* Whether a call that wants an answer may have one. sender: its unique name; uid: its user's, NULL: not known
 * yet. Root's calls are not for this to judge. What one user's calls come to between two looks refuses no
 * other. */
UnreadVerdict unread_judge(Unread *unread, const char *sender, const uint32_t *uid);
