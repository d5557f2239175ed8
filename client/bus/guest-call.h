/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a guest that take nothing and are done when they return. */
#pragma once

#include "bus.h"

/* Calls the method on each of the guests; verb is for the messages. Returns the worst status. */
int guest_call_each(Client *client, const char *verb, const char *method, char **names);
