/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks polkit whether the sender of a message may do something: asynchronously, by subject system-bus-name
 * (pids can be raced, CVE-2013-4288), and any error is a no (CVE-2021-3560). */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "../../base/fault.h"

typedef struct PolkitQuery PolkitQuery;

/* denied is NULL if allowed, else a FAULT_NOT_AUTHORIZED for the caller: refused, cannot be asked here,
 * polkit is not running, no answer in time. Borrowed. Look up again whatever the answer is for: the world
 * may have changed meanwhile. */
typedef void (*PolkitAnswer)(bool allowed, const Fault *denied, void *userdata);

/* message is borrowed (a reference is held as long as needed). details: key, value, …, NULL, or NULL; the
 * dialog shows them. The callback is called exactly once, from the loop, unless cancelled; *ret is dead
 * from that call on. uid 0 is not asked about. The caller's ALLOW_INTERACTIVE_AUTHORIZATION flag decides
 * whether there is a dialog. Gives up after 2 min (interactive) or 25 s, and when the caller leaves the
 * bus. ret may be NULL. */
int polkit_check(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details,
                 PolkitAnswer answer, void *userdata, PolkitQuery **ret);

/* The same without asking anybody for a password, whatever the caller's flags: what he may do as it is. */
int polkit_check_quietly(sd_bus *bus, sd_bus_message *message, const char *action, PolkitAnswer answer,
                         void *userdata, PolkitQuery **ret);

/* Takes the question back, at polkit too: a dialog closes. NULL is fine; returns NULL. */
PolkitQuery *polkit_cancel(PolkitQuery *query);
