/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guests come up at boot: enabling and disabling their units is systemd's business. */
#pragma once

#include "../bus/client.h"

/* The unit of a guest. The caller frees it. */
char *unit_file_name(const char *guest);

/* Runs `systemctl VERB` on the guests' units, here or at client->host; its messages go to the terminal. */
int unit_file_systemctl(const Client *client, const char *verb, char **guests);
