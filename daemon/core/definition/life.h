/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a guest when the host sleeps or shuts down, or the guest is in trouble. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "handle.h"
#include "trouble.h"

typedef enum HostSleep {
    HOST_SLEEP_AUTO, /* never seen in a definition that was read */
    HOST_SLEEP_INHIBIT,
    HOST_SLEEP_PAUSE,
    HOST_SLEEP_SHUTDOWN,
    HOST_SLEEP_IGNORE,
    HOST_SLEEP_MAX,
    HOST_SLEEP_INVALID = -EINVAL,
} HostSleep;

typedef enum HostShutdown {
    HOST_SHUTDOWN_STOP,
    HOST_SHUTDOWN_INHIBIT,
    HOST_SHUTDOWN_MAX,
    HOST_SHUTDOWN_INVALID = -EINVAL,
} HostShutdown;

typedef enum RebootAction {
    REBOOT_RESET,   /* in the same QEMU, which keeps the devices */
    REBOOT_RESTART, /* the guest ends, its devices go back, and it is started again */
    REBOOT_STOP,
    REBOOT_MAX,
    REBOOT_INVALID = -EINVAL,
} RebootAction;

/* How a guest came to its end, of those ways that the definition has an answer to. */
typedef enum GuestEnd {
    GUEST_END_OTHER, /* somebody ended it, or nobody knows */
    GUEST_END_REBOOT,
    GUEST_END_POWER_OFF,
    GUEST_END_CRASH, /* it has failed while it ran */
    GUEST_END_MAX,
    GUEST_END_INVALID = -EINVAL,
} GuestEnd;

typedef struct DefinitionLife {
    HostSleep host_sleep; /* default: inhibit with devices, ignore without */
    HostShutdown host_shutdown;
    TroubleAction panic;
    TroubleAction watchdog; /* [Watchdog] Action= */
    bool itco;              /* Model=itco: the chipset's own; default i6300esb, a card */
    RebootAction reboot;
    bool power_off_restarts; /* OnPowerOff=restart */
    bool crash_restarts;     /* OnCrash=restart */
} DefinitionLife;

/* What of it a definition says. */
const DefinitionLife *definition_life(const GuestDefinition *definition);

/* Whether a guest that came to such an end is started again. */
bool life_goes_on(const DefinitionLife *life, GuestEnd end);

/* "reboot" */
const char *guest_end_to_string(GuestEnd end);
GuestEnd guest_end_from_string(const char *word);
