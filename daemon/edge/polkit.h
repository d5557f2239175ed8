/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks polkit whether the sender of a message may do something: asynchronously, by subject system-bus-name (pids can be raced, CVE-2013-4288), and any error is a no (CVE-2021-3560). */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct PolkitQuery PolkitQuery;

/* message is borrowed (reffed inside as long as needed). details: key, value, …, NULL, or NULL; shown in the dialog. Called exactly once, unless cancelled. uid 0 is not asked about. */
typedef void (*PolkitAnswer)(bool allowed, void *userdata);
/* interactive: the caller's ALLOW_INTERACTIVE_AUTHORIZATION flag is looked at inside. Gives up after 2 min (interactive) or 25 s. */
int polkit_check(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details, PolkitAnswer answer, void *userdata, PolkitQuery **ret);
PolkitQuery *polkit_cancel(PolkitQuery *query);
