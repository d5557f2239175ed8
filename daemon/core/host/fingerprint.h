/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device is known by when addresses have moved: "1002:5046 1af4:1100 030000 0000:00:03.0/00.0", that
 * is IDs of device and subsystem, class, and its place: the root port's address, and from there device and
 * function at each bus. Bus numbers behind bridges are left out, as they are what moves when a card is added.
 * Serial numbers are not in it: they stand in extended config space, which the kernel shows to CAP_SYS_ADMIN
 * alone. */
#pragma once

#include "../../base/fault.h"
#include "host.h"

/* The caller frees it. */
char *fingerprint_of(const Host *host, const HostDevice *device);

/* As fingerprint_of() writes it: blanks and capitals do not matter. NULL if text is none. The caller frees
 * it. */
char *fingerprint_normalize(const char *text);

/* Is the device at this address the one? Otherwise refuses with REFUSED: says what is there, and as a remedy
 * where the device is now, if it is anywhere. key ("win10.guest: [PCI gpu] Fingerprint=") begins the message.
 * A device that is not there at all is left to others: 0. */
int fingerprint_check(const Host *host, PciAddress address, const char *fingerprint, const char *key,
                      Fault **ret_fault);
