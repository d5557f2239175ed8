/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent inside a guest ([Agent]): it tells the guest's addresses, shuts the system down or reboots it,
 * and freezes its file systems for a backup. QEMU says whether a program has opened the agent's port; that
 * program is believed to be an agent when it answers. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../../base/fault.h"

typedef struct InnerAgent InnerAgent;

typedef struct InnerAgentHandler {
    /* The state, the addresses, or whether file systems are frozen have changed. */
    void (*changed)(void *userdata);
    /* The agent does not shut the guest down; message says why. */
    void (*stays)(const char *message, void *userdata);
} InnerAgentHandler;

/* guest: its name, for messages. path: the socket at which QEMU listens for the agent. Both are copied;
 * handler is static. */
InnerAgent *inner_agent_new(sd_event *event, const char *guest, const char *path,
                            const InnerAgentHandler *handler, void *userdata);
/* Questions under way are dropped without a call. NULL is fine; returns NULL. */
InnerAgent *inner_agent_free(InnerAgent *agent);

/* "absent", "silent" (a program has opened the port), "answers". */
const char *inner_agent_state(const InnerAgent *agent);
bool inner_agent_is_open(const InnerAgent *agent);
/* The guest's file systems stand still. */
bool inner_agent_has_frozen(const InnerAgent *agent);
/* Of char*: the addresses of the guest's network cards, as the agent last told them. */
const GPtrArray *inner_agent_addresses(const InnerAgent *agent);

/* A program in the guest has opened the port, or closed it; questions under way then fail. */
void inner_agent_set_open(InnerAgent *agent, bool open);
/* Asks whether file systems are frozen: usherd may have been restarted in the middle of a backup. */
void inner_agent_recall(InnerAgent *agent);
/* Asks for the addresses, unless they were asked for within the last 10 s. */
void inner_agent_refresh(InnerAgent *agent);
/* The port must be open. False: the agent has too many questions already. */
bool inner_agent_shut_down(InnerAgent *agent);

typedef enum InnerErrand {
    INNER_ERRAND_REBOOT,
    INNER_ERRAND_FREEZE, /* the guest's file systems, for a backup */
    INNER_ERRAND_THAW,
} InnerErrand;
/* fault NULL: done; number: how many file systems. Called exactly once unless the guest ends or goes
 * meanwhile. */
typedef void (*InnerErrandDone)(const Fault *fault, unsigned number, void *userdata);
/* FAULT_REFUSED: the port is not open; FAULT_BUSY: the agent has too many questions already. */
int inner_agent_send(InnerAgent *agent, InnerErrand errand, InnerErrandDone done, void *userdata,
                     Fault **ret_fault);
