/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity of a device when addresses have moved: "1002:5046 1af4:1100 030000 0000:00:03.0/00.0".
 * These are the IDs of device and subsystem, the class, and the place: the root port's address, and from
 * there device and function at each bus. Bus numbers behind bridges are omitted, as they move when a card
 * is added. Serial numbers are omitted, too: they are in extended config space, which the kernel shows to
 * CAP_SYS_ADMIN alone. */
#pragma once

#include "../../base/fault.h"
#include "host.h"

/* The caller frees it. */
char *fingerprint_of(const Host *host, const HostDevice *device);

/* As fingerprint_of() writes it: blanks and capitals do not matter. NULL if text is none. The caller frees
 * it. */
char *fingerprint_normalize(const char *text);

/* Whether the device at this address has that fingerprint. If not, refuses with REFUSED: the message says
 * what is there, the remedy where the device is now, if anywhere. key ("win10.guest: [PCI gpu]
 * Fingerprint=") begins the message. 0 if there is no device at all: that is for others to refuse. */
int fingerprint_check(const Host *host, PciAddress address, const char *fingerprint, const char *key,
                      Fault **ret_fault);
