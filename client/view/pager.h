/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Long output goes through a pager, as with systemctl(1) and its variables. */
#pragma once

#include "../bus/client.h"

/* Puts a pager before stdout if that is a terminal, --no-pager was not given, and a pager exists.
 * $SYSTEMD_PAGER, $PAGER, else less or more; "" and "cat" mean none. */
void pager_open(const Client *client);

/* Hands it the rest and waits until the reader has left it; fine if it was never opened. */
void pager_close(void);
