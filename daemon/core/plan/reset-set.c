/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reset-set.h"

#include <string.h>

#include "../host/vfio-driver.h"

/* Longer than any chain of bridges: PCI has 256 buses. It ends a loop in a damaged snapshot. */
#define DEPTH_MAX 256

static bool has_own_reset(const HostDevice *device)
{
    g_auto(GStrv) methods = g_strsplit(device->reset_methods ?: "", " ", -1);

    for (char **method = methods; *method; method++)
        if (**method && strcmp(*method, "bus") != 0)
            return true;
    return false;
}

static bool is_below(const Host *host, const HostDevice *device, PciAddress bridge)
{
    for (unsigned depth = 0; device && device->has_upstream && depth < DEPTH_MAX; depth++) {
        if (pci_address_equal(device->upstream, bridge))
            return true;
        device = host_find(host, device->upstream);
    }
    return false;
}

ResetScope reset_set(const Host *host, const HostDevice *device, GPtrArray **ret)
{
    GPtrArray *set = g_ptr_array_new();
    bool beyond_slot = false;

    *ret = set;
    if (has_own_reset(device)) {
        g_ptr_array_add(set, (gpointer)device);
        return RESET_SCOPE_FUNCTION;
    }
    if (!device->has_upstream)
        return RESET_SCOPE_NONE;
    for (unsigned i = 0; i < host->devices->len; i++) {
        HostDevice *other = g_ptr_array_index(host->devices, i);
        if (!is_below(host, other, device->upstream))
            continue;
        g_ptr_array_add(set, other);
        beyond_slot |= !pci_address_same_slot(other->address, device->address);
    }
    return beyond_slot ? RESET_SCOPE_BUS : RESET_SCOPE_SLOT;
}

/* vfio-pci and its variants are usher's, and a device without a driver misses nothing. */
static bool host_uses(const HostDevice *device)
{
    return !device->bridge && device->driver && !vfio_driver_has(device) &&
           strcmp(device->driver, "pci-stub") != 0;
}

int reset_set_check(const Host *host, const HostDevice *device, const GPtrArray *taken, Fault **ret_fault)
{
    g_autoptr(GPtrArray) set = NULL, hit = g_ptr_array_new();
    ResetScope scope = reset_set(host, device, &set);

    for (unsigned i = 0; i < set->len; i++) {
        HostDevice *other = g_ptr_array_index(set, i);
        if (other != device && host_uses(other) && !g_ptr_array_find((GPtrArray *)taken, other, NULL))
            g_ptr_array_add(hit, other);
    }
    if (hit->len == 0)
        return 0;
    g_autofree char *names = host_describe(hit);
    return fault_raise(ret_fault, FAULT_NOT_VIABLE,
                       "lend them together with it, or unbind them from their drivers first",
                       "%s has no reset of its own, and one of its %s would reset what the host uses: %s",
                       PCI_ADDRESS_STR(device->address), scope == RESET_SCOPE_SLOT ? "slot" : "bus", names);
}
