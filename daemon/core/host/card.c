/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card.h"

/* PCI Code and ID Assignment Specification 1.11, 1.4 and 1.5. */
static bool is_display(const HostDevice *device)
{
    return device->class >> 16 == 0x03;
}

static bool is_sound(const HostDevice *device)
{
    unsigned kind = device->class >> 8;

    return kind == 0x0401 || kind == 0x0403;
}

/* The bridge above, if it is of the same maker. */
static const HostDevice *own_bridge(const Host *host, const HostDevice *device)
{
    const HostDevice *bridge = device && device->has_upstream ? host_find(host, device->upstream) : NULL;

    return bridge && bridge->bridge && bridge->vendor == device->vendor ? bridge : NULL;
}

/* The upstream port of the switch that the device is behind, by a port of its own. A root port has no bridge
 * above. */
static const HostDevice *own_switch(const Host *host, const HostDevice *device)
{
    const HostDevice *above = own_bridge(host, own_bridge(host, device));

    return above && above->has_upstream ? above : NULL;
}

GPtrArray *host_card_elsewhere(const Host *host, const HostDevice *device)
{
    const HostDevice *above = is_display(device) || is_sound(device) ? own_switch(host, device) : NULL;
    GPtrArray *others = g_ptr_array_new();

    for (unsigned i = 0; above && i < host->devices->len; i++) {
        HostDevice *other = g_ptr_array_index(host->devices, i);
        bool fits = is_display(device) ? is_sound(other) : is_display(other);
        if (fits && !pci_address_same_slot(other->address, device->address) &&
            own_switch(host, other) == above)
            g_ptr_array_add(others, other);
    }
    return others;
}
