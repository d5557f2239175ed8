/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures of state for a person: a guest, a device, the host. They print to stdout. */
#pragma once

#include "../bus/props.h"
#include "../screen/terminal.h"

/* The host in numbers; bridges are not counted. */
typedef struct Overview {
    const char *host;
    const ManagerProps *manager;
    unsigned guests, guests_running, guests_failed;
    unsigned devices, devices_lent, devices_bound, devices_stuck;
    unsigned jobs;
} Overview;

/* devices are all of the host's, for their names; job is the one under way, or NULL. */
void picture_guest(const Terminal *terminal, const GuestProps *guest, const GPtrArray *devices,
                   const JobProps *job);
void picture_device(const Terminal *terminal, const DeviceProps *device, const JobProps *job);
void picture_host(const Terminal *terminal, const Overview *overview, const GPtrArray *guests,
                  const GPtrArray *jobs);

/* A flat object with the same numbers. The caller owns it. */
json_object *overview_to_json(const Overview *overview);
