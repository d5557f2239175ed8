/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a guest when the host sleeps or shuts down, or the guest is in trouble. */
#pragma once

#include <errno.h>

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

typedef struct DefinitionLife {
    HostSleep host_sleep; /* default: inhibit with devices, ignore without */
    HostShutdown host_shutdown;
    TroubleAction panic;
    TroubleAction watchdog; /* [Watchdog] Action= */
} DefinitionLife;

/* What of it a definition says. */
const DefinitionLife *definition_life(const GuestDefinition *definition);
