/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors from usherd. They do not travel over ssh, so that -H is refused with a way that works. */
#pragma once

#include "bus.h"

/* The caller owns the descriptor. */
int stream_open_console(Client *client, const char *name, int *ret);
int stream_open_display(Client *client, const char *name, int *ret);
