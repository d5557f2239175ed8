/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions that a reset of one function hits. The IOMMU group does not say: a function without a
 * reset of its own is reset with its slot or bus, and that is more than its group if the slot isolates its
 * functions from each other. */
#pragma once

#include "../../base/fault.h"
#include "../host/host.h"

typedef enum ResetScope {
    RESET_SCOPE_NONE, /* there is no way at all: no method, and no bridge above whose bus could be reset */
    RESET_SCOPE_FUNCTION, /* itself alone */
    RESET_SCOPE_SLOT,     /* all functions of its slot: the bus has nothing else, as on PCI Express */
    RESET_SCOPE_BUS,      /* all that is below the bridge above it */
} ResetScope;

/* The kernel tries device_specific, acpi, flr, af_flr, pm, bus in this order (pci_reset_fn_methods); all but
 * the last concern the function alone. Where sysfs lists none, VFIO resets the bus
 * (VFIO_DEVICE_PCI_HOT_RESET). *ret are the functions that are reset, in order of address, bridges included:
 * of const HostDevice*, the caller frees the array. */
ResetScope reset_set(const Host *host, const HostDevice *device, GPtrArray **ret);

/* Refuses with NOT_VIABLE if a reset of device would hit functions that a driver of the host has and that are
 * not among taken (of const HostDevice). VFIO would refuse it then, and the guest would get the device as the
 * last user left it. */
int reset_set_check(const Host *host, const HostDevice *device, const GPtrArray *taken, Fault **ret_fault);
