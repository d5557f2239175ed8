/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions are on one graphics card, beyond those of one slot. */
#pragma once

#include "host.h"

/* The sound of a display, and the display of that sound, where they sit in different slots behind a switch of
 * the card's own, as on Intel's Arc: the bridges of the switch are of the card's vendor. An array of const
 * HostDevice* that the caller frees; empty for other devices. */
GPtrArray *host_card_elsewhere(const Host *host, const HostDevice *device);
