/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend.h"

#include "../definition/pci.h"

static PciBackend said(const PlanDevice *device)
{
    return device->wish ? device->wish->backend : PCI_BACKEND_AUTO;
}

static bool has_group(const Host *host, const PlanDevice *device, int group)
{
    for (unsigned i = 0; i < device->functions->len; i++) {
        const HostDevice *function = host_find(host, g_array_index(device->functions, PciAddress, i));
        if (function && function->group == group)
            return true;
    }
    return false;
}

/* What decides for all devices of a group: the guest has it open already, or a section says so. */
static PciBackend settled(const Planning *planning, const PlanDevice *device)
{
    const Plan *plan = planning->plan;

    for (unsigned i = 0; i < plan->groups->len; i++) {
        int group = g_array_index(plan->groups, int, i);
        const char *owner = planning->claims ? claims_owner(planning->claims, group) : NULL;
        if (!has_group(planning->host, device, group))
            continue;
        if (planning->running && g_strcmp0(owner, plan->owner) == 0)
            return claims_has_node(planning->claims, group) ? PCI_BACKEND_GROUP : PCI_BACKEND_IOMMUFD;
        for (unsigned j = 0; j < plan->devices->len; j++) {
            const PlanDevice *other = g_ptr_array_index(plan->devices, j);
            if (said(other) != PCI_BACKEND_AUTO && has_group(planning->host, other, group))
                return said(other);
        }
    }
    return PCI_BACKEND_AUTO;
}

/* Why a device that nobody has decided for goes by its group; NULL: it goes by iommufd. */
static const char *reason_for_group(const Planning *planning)
{
    if (planning->host->iommufd.lack)
        return planning->host->iommufd.lack;
    if (planning->plan->devices->len > 1 ||
        (planning->running && planning->claims && claims_any(planning->claims, planning->plan->owner)))
        return "iommufd maps no device's memory for another device";
    return NULL;
}

static int check(const Planning *planning, const PlanDevice *device, PciBackend settled, Fault **ret_fault)
{
    PciBackend wish = said(device);

    if (wish != PCI_BACKEND_AUTO && wish != settled)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION,
                           "write the same Backend= for all devices of a group, or auto",
                           "[PCI %s] Backend=%s: another device of its IOMMU group goes the other way",
                           device->name, wish == PCI_BACKEND_GROUP ? "group" : "iommufd");
    if (wish == PCI_BACKEND_IOMMUFD && planning->host->iommufd.lack && !planning->host->iommufd.unsure)
        return fault_raise(ret_fault, FAULT_REFUSED, "remove Backend=, and the IOMMU group's node is used",
                           "[PCI %s] Backend=iommufd: %s", device->name, planning->host->iommufd.lack);
    return 0;
}

int plan_choose_backends(Planning *planning, Fault **ret_fault)
{
    const char *reason = reason_for_group(planning);
    int r = 0;

    for (unsigned i = 0; r == 0 && i < planning->plan->devices->len; i++) {
        PlanDevice *device = g_ptr_array_index(planning->plan->devices, i);
        PciBackend backend = device->mediated ? PCI_BACKEND_GROUP : settled(planning, device);
        r = device->mediated ? 0 : check(planning, device, backend, ret_fault);
        device->iommufd = backend == PCI_BACKEND_IOMMUFD || (backend == PCI_BACKEND_AUTO && !reason);
        device->why = backend != PCI_BACKEND_AUTO ? (device->mediated ? "a mediated device" : "asked for")
                      : reason                    ? reason
                                                  : "the only card";
    }
    return r;
}

static void show_left(const PlanDevice *device, GPtrArray *shown)
{
    for (unsigned i = 0; device->left && i < device->left->len; i++)
        g_ptr_array_add(shown,
                        step_new(STEP_BACKEND, PCI_ADDRESS_STR(g_array_index(device->left, PciAddress, i)),
                                 "", "none: left to the host, as it is no part of the card"));
}

void plan_remark(Plan *plan, PciAddress address, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *words = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(plan->remarks, step_new(STEP_BACKEND, PCI_ADDRESS_STR(address), "", words));
}

GPtrArray *plan_shown(const Plan *plan)
{
    GPtrArray *shown = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);

    for (unsigned i = 0; i < plan->steps->len; i++)
        g_ptr_array_add(shown, step_copy(g_ptr_array_index(plan->steps, i)));
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(plan->devices, i);
        g_autofree char *words =
            g_strdup_printf("%s: %s", device->iommufd ? "iommufd" : "group", device->why ?: "");
        for (unsigned j = 0; device->why && j < device->functions->len; j++)
            g_ptr_array_add(shown, step_new(STEP_BACKEND,
                                            PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, j)),
                                            "", words));
        show_left(device, shown);
    }
    for (unsigned i = 0; i < plan->remarks->len; i++)
        g_ptr_array_add(shown, step_copy(g_ptr_array_index(plan->remarks, i)));
    return shown;
}

bool plan_by_iommufd(const Host *host, const Plan *plan, int group)
{
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(plan->devices, i);
        if (device->iommufd && has_group(host, device, group))
            return true;
    }
    return false;
}
