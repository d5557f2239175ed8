/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "fitness.h"
#include "plan.h"

static int raise_missing(const char *uuid, Fault **ret_fault)
{
    g_autofree char *remedy = g_strdup_printf("make it: mdevctl start -u %s, or echo %s > "
                                              "/sys/bus/pci/devices/ADDRESS/mdev_supported_types/TYPE/create",
                                              uuid, uuid);

    return fault_raise(ret_fault, FAULT_NO_SUCH_DEVICE, remedy, "there is no mediated device %s", uuid);
}

static int check_claim(const HostMediated *mediated, const Claims *claims, const char *owner,
                       Fault **ret_fault)
{
    const char *present = claims ? claims_owner(claims, mediated->group) : NULL;

    if (!present || g_str_equal(present, owner))
        return 0;
    const char *guest = strchr(present, '/') + 1;
    g_autofree char *remedy = g_strdup_printf("stop it first: usherctl stop %s", guest);
    return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                       "mediated device %s (group %d) is claimed by guest %s", mediated->uuid,
                       mediated->group, guest);
}

static int check(const HostMediated *mediated, const Host *host, Fault **ret_fault)
{
    const HostDevice *parent = mediated->of_function ? host_find(host, mediated->parent) : NULL;

    /* vfio-ap and vfio-ccw are for other machines. */
    if (mediated->api && !g_str_equal(mediated->api, "vfio-pci"))
        return fault_raise(ret_fault, FAULT_REFUSED, "choose one whose mdev_type/device_api is vfio-pci",
                           "mediated device %s is no PCI device, but one for %s", mediated->uuid,
                           mediated->api);
    if (mediated->group == HOST_NO_GROUP)
        return fault_raise(ret_fault, FAULT_REFUSED, "load its module: modprobe vfio_mdev, or its vendor's",
                           "mediated device %s is in no group: no driver of VFIO's has it", mediated->uuid);
    if (parent && parent->stuck)
        return fault_raise(
            ret_fault, FAULT_STUCK, "only a restart of the host helps",
            "%s, which mediated device %s was made of, is stuck: a write to it hangs in the kernel",
            PCI_ADDRESS_STR(parent->address), mediated->uuid);
    return parent ? fitness_check(parent, ret_fault) : 0;
}

static int check_twins(const Plan *plan, const GuestDefinition *definition, const DefinitionPci *section,
                       Fault **ret_fault)
{
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *other = g_ptr_array_index(plan->devices, i);
        if (other->wish && g_strcmp0(other->wish->mediated, section->mediated) == 0)
            return fault_raise(ret_fault, FAULT_BAD_DEFINITION, "remove one of them",
                               "%s: [PCI %s] and [PCI %s] both ask for mediated device %s",
                               definition->source ?: definition->name, other->name, section->name,
                               section->mediated);
    }
    return 0;
}

int plan_add_mediated(Plan *plan, const Host *host, const Claims *claims, const GuestDefinition *definition,
                      const DefinitionPci *section, Fault **ret_fault)
{
    const HostMediated *mediated = host_find_mediated(host, section->mediated);

    if (!mediated)
        return raise_missing(section->mediated, ret_fault);
    int r = check_twins(plan, definition, section, ret_fault);
    if (r == 0)
        r = check(mediated, host, ret_fault);
    if (r == 0)
        r = check_claim(mediated, claims, plan->owner, ret_fault);
    if (r != 0)
        return r;
    PlanDevice *device = g_new(PlanDevice, 1);
    *device = (PlanDevice){
        .name = g_strdup(section->name),
        .wish = section,
        .functions = g_array_new(FALSE, FALSE, sizeof(PciAddress)),
    };
    g_ptr_array_add(plan->devices, device);
    g_array_append_val(plan->groups, mediated->group);
    return 0;
}
