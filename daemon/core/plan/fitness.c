/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fitness.h"

Fault *fitness_dead(FaultKind kind, const HostDevice *device)
{
    return fault_new(kind,
                     "see journalctl -k; if the device is still dead after the host has slept, switch the "
                     "host off and on again",
                     "%s is dead: its config space reads as all ones, as if the card fell off the bus or "
                     "does not come back from D3cold (power state %s)",
                     PCI_ADDRESS_STR(device->address), device->power.state ?: "unknown");
}

int fitness_check(const HostDevice *device, Fault **ret_fault)
{
    if (device->quarantine) {
        g_autofree char *remedy = g_strdup_printf("once the device works again: usherctl reset --clear %s",
                                                  PCI_ADDRESS_STR(device->address));
        return fault_raise(ret_fault, FAULT_REFUSED, remedy, "%s is in quarantine %s",
                           PCI_ADDRESS_STR(device->address), device->quarantine);
    }
    if (!device->dead)
        return 0;
    *ret_fault = fitness_dead(FAULT_REFUSED, device);
    return FAULT_RAISED;
}
