/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The board of a guest. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "handle.h"

typedef enum AutoSwitch {
    AUTO_SWITCH_AUTO, /* never seen in a definition that was read */
    AUTO_SWITCH_NO,
    AUTO_SWITCH_YES,
    AUTO_SWITCH_MAX,
    AUTO_SWITCH_INVALID = -EINVAL,
} AutoSwitch;

typedef enum ClockBase {
    CLOCK_BASE_UTC,
    CLOCK_BASE_LOCAL, /* what the host's clocks on the wall show */
    CLOCK_BASE_MAX,
    CLOCK_BASE_INVALID = -EINVAL,
} ClockBase;

struct DefinitionMachine {
    AutoSwitch suspend;   /* Suspend=, default no with devices, yes without */
    unsigned spare_ports; /* SparePorts=, default 4: PCI devices that can be plugged in while it runs */
    struct {
        ClockBase base;  /* default utc */
        AutoSwitch hpet; /* default no with devices or HyperV= */
    } clock;
};
