/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/pci.h"
#include "reset.h"

#include "reset-set.h"

/* "bus" in reset_method is no promise: the kernel looks at boot, before it has found a card's other
 * functions, and refuses later (pci_parent_bus_reset()). */
static bool resets_alone(const Host *host, const HostDevice *device)
{
    g_autoptr(GPtrArray) set = NULL;

    if (!device->reset_methods)
        return false;
    reset_set(host, device, &set);
    return set->len == 1;
}

int plan_reset_add(const Host *host, const PlanDevice *device, GPtrArray *steps, Fault **ret_fault)
{
    const DefinitionPci *wish = device->wish;
    g_autoptr(GPtrArray) functions = g_ptr_array_new();
    bool any = false;

    if (!wish || (!wish->reset_before && !wish->reset_after))
        return 0;
    for (unsigned i = 0; i < device->functions->len; i++) {
        PciAddress address = g_array_index(device->functions, PciAddress, i);
        const HostDevice *function = host_find(host, address);
        g_ptr_array_add(functions, (gpointer)function);
        if (!resets_alone(host, function))
            continue;
        any = true;
        g_ptr_array_add(steps, step_new(STEP_RESET, PCI_ADDRESS_STR(address),
                                        wish->reset_after ? STEP_VALUE_RESET : STEP_VALUE_AS_IS,
                                        wish->reset_before ? STEP_VALUE_RESET : STEP_VALUE_AS_IS));
    }
    if (any)
        return 0;
    g_autofree char *names = host_describe(functions);
    return fault_raise(ret_fault, FAULT_REFUSED,
                       "remove ResetBefore= and ResetAfter=: VFIO resets the card as a whole, if the card "
                       "can be reset at all",
                       "[PCI %s] asks for a reset, but none of its functions can be reset by itself: %s",
                       device->name, names);
}
