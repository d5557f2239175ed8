/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cards of the host that a new guest can get, and what belongs to them. */
#pragma once

#include "../bus/props.h"

/* A device that the guest gets. */
typedef struct NewDevice {
    char *section;     /* its section's name: "gpu", "gpu2", "gpu-sound" */
    char *address;     /* as usherd writes it */
    char *fingerprint; /* "": not known */
    char *label;       /* "VGA compatible controller: AMD Radeon" */
} NewDevice;

/* The display devices that can be lent, of DeviceProps that stay the array's: neither needed by the host nor
 * in quarantine. The caller frees the array. */
GPtrArray *cards_offered(const GPtrArray *devices);

/* The cards at these addresses, each with what belongs to it elsewhere than in its slot, of NewDevice; each
 * slot once. NULL and *ret_missing, an address that no device has. The caller frees the array. */
GPtrArray *cards_take(const GPtrArray *devices, char *const *addresses, const char **ret_missing);

/* "There is no device at 01:00.1; did you mean …?". The caller frees it. */
char *card_missing_words(const GPtrArray *devices, const char *address);
