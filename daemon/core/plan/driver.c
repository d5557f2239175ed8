/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver.h"

#include "../definition/pci.h"
#include "../host/vfio-driver.h"

/* NULL: no section asks for it. */
static const DefinitionPci *section_of(const Plan *plan, const HostDevice *device)
{
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *planned = g_ptr_array_index(plan->devices, i);
        for (unsigned j = 0; j < planned->functions->len; j++)
            if (pci_address_equal(g_array_index(planned->functions, PciAddress, j), device->address))
                return planned->wish;
    }
    return NULL;
}

/* What Driver= names, or NULL: it leaves that to the kernel. */
static const char *driver_said(const DefinitionPci *section)
{
    return section && section->driver && !g_str_equal(section->driver, "auto") ? section->driver : NULL;
}

const char *plan_driver(const Host *host, const Plan *plan, const HostDevice *device)
{
    const char *said = driver_said(section_of(plan, device));

    if (said)
        return vfio_driver_registered(host, said) ?: said;
    return vfio_driver_best(host, device);
}

bool plan_driver_fits(const Host *host, const Plan *plan, const HostDevice *device)
{
    const char *said = driver_said(section_of(plan, device));

    return vfio_driver_has(device) && (!said || vfio_driver_same(said, device->driver));
}

int plan_check_driver(const Host *host, const DefinitionPci *section, Fault **ret_fault)
{
    const char *said = driver_said(section);

    if (!said || vfio_driver_known(host, said))
        return 0;
    g_autofree char *known = vfio_driver_list(host);
    g_autofree char *remedy =
        g_strdup_printf("this kernel has %s; or remove Driver=, and the best of them is taken", known);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy, "[PCI %s] Driver=%s: this kernel has no such driver",
                       section->name, said);
}
