/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent inside a guest ([Agent]): its addresses, a shutdown or reboot in order, file systems at rest for
 * a backup. QEMU says whether a program has opened the agent's port; that program is believed to be an agent
 * when it answers. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../../base/fault.h"

typedef struct InnerAgent InnerAgent;

typedef struct InnerAgentHandler {
    /* Its state, the addresses, or whether file systems are frozen. */
    void (*changed)(void *userdata);
    /* It does not shut the guest down, for the reason in message. */
    void (*stays)(const char *message, void *userdata);
} InnerAgentHandler;

/* guest: its name, for messages. path: of the socket that QEMU listens at for the agent. Both are copied;
 * handler is static. */
InnerAgent *inner_agent_new(sd_event *event, const char *guest, const char *path,
                            const InnerAgentHandler *handler, void *userdata);
/* What is asked is dropped without a call. NULL is fine; returns NULL. */
InnerAgent *inner_agent_free(InnerAgent *agent);

/* "absent", "silent" (a program has opened the port), "answers". */
const char *inner_agent_state(const InnerAgent *agent);
bool inner_agent_is_open(const InnerAgent *agent);
/* The guest's file systems stand still. */
bool inner_agent_has_frozen(const InnerAgent *agent);
/* Of char*: the addresses of the guest's network cards, as the agent told them last. */
const GPtrArray *inner_agent_addresses(const InnerAgent *agent);

/* A program in the guest has opened the port, or closed it: then what is asked fails. */
void inner_agent_set_open(InnerAgent *agent, bool open);
/* Asks whether file systems are frozen: usherd may have been restarted in the middle of a backup. */
void inner_agent_recall(InnerAgent *agent);
/* Asks for the addresses, unless that was done within the last 10 s. */
void inner_agent_refresh(InnerAgent *agent);
/* Of one whose port is open. False: too much is asked of it already. */
bool inner_agent_shut_down(InnerAgent *agent);

typedef enum InnerErrand {
    INNER_ERRAND_REBOOT,
    INNER_ERRAND_FREEZE, /* the guest's file systems, for a backup */
    INNER_ERRAND_THAW,
} InnerErrand;
/* fault NULL: done; number: of file systems. Called exactly once unless the guest ends or goes meanwhile. */
typedef void (*InnerErrandDone)(const Fault *fault, unsigned number, void *userdata);
/* FAULT_REFUSED: the port is not open; FAULT_BUSY: too much is asked of it already. */
int inner_agent_send(InnerAgent *agent, InnerErrand errand, InnerErrandDone done, void *userdata,
                     Fault **ret_fault);
