/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the agent inside a guest one question at a time. Each connection begins with guest-sync-delimited,
 * so that no answer is taken for another's. Whatever the guest sends costs no more than a line's memory
 * and that connection. */
#pragma once

#include <json-c/json.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct GuestAgent GuestAgent;

/* path: the listening socket that QEMU has the other end of. Connects when there is something to ask. */
GuestAgent *guest_agent_new(sd_event *event, const char *path);
/* Questions under way are dropped without a call. NULL is fine; returns NULL. */
GuestAgent *guest_agent_free(GuestAgent *agent);

/* Lets the connection go, and answers what is asked with -ECONNRESET. */
void guest_agent_hang_up(GuestAgent *agent);

/* error 0: result is borrowed, may be NULL; -EREMOTEIO: the agent refused, message has its reason;
 * -ETIMEDOUT; -ECONNRESET; -EBADMSG: the answer is nonsense. Exactly once, never from within the call. It
 * may call guest_agent_free(). */
typedef void (*GuestAgentReply)(int error, const char *message, struct json_object *result, void *userdata);

/* arguments may be NULL and are consumed, in every case. reply may be NULL. The time counts from when its
 * turn comes. */
typedef enum GuestAgentEnd {
    GUEST_AGENT_ANSWERS,
    /* Answers only if it refuses (guest-shutdown): done with when it had the time to say no, or is gone. */
    GUEST_AGENT_SILENT,
} GuestAgentEnd;
/* 0; -EBUSY: too much is waiting already. */
int guest_agent_ask(GuestAgent *agent, const char *command, struct json_object *arguments, GuestAgentEnd end,
                    uint64_t timeout_usec, GuestAgentReply reply, void *userdata);
