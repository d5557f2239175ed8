/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The addresses of usher's own network (Mode=nat): a range of 256 private ones (RFC 1918) that nothing of the
 * host uses. Addresses are numbers in the host's byte order. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define NAT_BRIDGE "usher0"
/* Of the bridge's link: what tells it from somebody else's of that name. */
#define NAT_BRIDGE_ADDRESS "52:75:73:68:65:72"
#define NAT_PREFIX 24

/* What the host has an address of, or a route to. */
typedef struct NatTaken {
    uint32_t address;
    unsigned prefix; /* 0 to 32 */
} NatTaken;

/* Whether nothing in taken (of NatTaken) meets the range. A default route meets none, nor does a half of one,
 * as VPNs make them. And the first range of which that is true, so that a host has the same at each boot;
 * false: there is none. */
bool nat_range_free(uint32_t range, const GArray *taken);
bool nat_range_choose(const GArray *taken, uint32_t *ret);

/* "192.168.150.0/24", of private addresses; false: it is something else. */
bool nat_range_parse(const char *text, uint32_t *ret);
/* "192.168.150.1": the address of that number in the range. The caller frees it. */
char *nat_range_address(uint32_t range, unsigned number);
