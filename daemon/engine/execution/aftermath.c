/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "aftermath.h"

#include "../../core/plan/fitness.h"
#include "../host-look.h"

Fault *aftermath_look(const Engine *engine, const GPtrArray *addresses)
{
    g_autoptr(Host) host = NULL;
    PciAddress address;

    if (addresses->len == 0 || host_look(engine, &host) < 0)
        return NULL;
    for (unsigned i = 0; i < addresses->len; i++) {
        if (pci_address_from_string(g_ptr_array_index(addresses, i), &address) < 0)
            continue;
        const HostDevice *device = host_find(host, address);
        if (device && device->dead)
            return fitness_dead(FAULT_FAILED, device);
    }
    return NULL;
}
