/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of this host's cores a new guest with a card gets for itself: those that share a cache, each with all
 * of its threads. The others stay with the host, the first core always. */
#pragma once

#include <glib.h>

typedef struct CoreChoice {
    unsigned cores, threads; /* of the guest; 0: nothing was chosen */
    char *pin;               /* "2,8,3,9" */
    char *rest;              /* "0-1,6-7": what the host keeps */
} CoreChoice;

/* folder: "/sys/devices/system/cpu" (Documentation/ABI/stable/sysfs-devices-system-cpu). wanted: so many
 * cores, as a person has written the number; NULL: as many as are well spared. Nothing is chosen if that many
 * do not share a cache, if the host would be left with none, or if wanted is no number; nor a single vCPU
 * that nobody wants. */
void core_choice_make(const char *folder, const char *wanted, CoreChoice *ret);
void core_choice_clear(CoreChoice *choice);
