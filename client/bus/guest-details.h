/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The details of a guest that not everybody may see. */
#pragma once

#include "bus.h"

/* Puts it into what is known already, if polkit lets this user have it without being asked for a password;
 * else leaves it as it is. */
void guest_details_get(Client *client, GuestProps *guest);
