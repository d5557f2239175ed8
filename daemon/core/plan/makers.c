/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that exist only by another function's driver, and what else goes with a driver. */
#include "../host/vfio-driver.h"
#include "private.h"

/* Longer than any chain of them; it ends a loop in a damaged snapshot. */
#define DEPTH_MAX 16

bool planning_goes_with(const Planning *planning, const HostDevice *device)
{
    const HostDevice *maker = host_maker(planning->host, device);

    for (unsigned depth = 0; maker && depth < DEPTH_MAX; depth++) {
        if (maker->driver && planning_binds(planning, maker))
            return true;
        maker = host_maker(planning->host, maker);
    }
    return false;
}

static int raise_virtual(const HostDevice *device, const HostDevice *maker, Fault **ret_fault)
{
    PciAddressText address = pci_address_to_text(maker->address);
    g_autofree char *remedy = g_strdup_printf(
        "put the card into a slot where the board keeps its functions apart (ACS), or remove the virtual "
        "functions and lend %s as a whole: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
        address.text, address.text);

    return fault_raise(ret_fault, FAULT_NOT_VIABLE, remedy,
                       "group %d of the virtual function %s also holds its physical function %s (%s)",
                       device->group, PCI_ADDRESS_STR(device->address), address.text, maker->driver);
}

int planning_check_maker(const Planning *planning, const HostDevice *device, Fault **ret_fault)
{
    const HostDevice *maker = host_maker(planning->host, device);

    if (!maker || !maker->driver)
        return 0;
    bool stays = maker->group != device->group || plan_harmless(maker);
    /* If the maker is bound, too, its own check says why that is impossible. */
    if (device->virtual_function)
        return stays || planning_binds(planning, maker) ? 0 : raise_virtual(device, maker, ret_fault);
    /* A device with its own group may be lent while the maker stays. */
    if (stays && !planning_goes_with(planning, device))
        return 0;
    g_autofree char *remedy = host_maker_remedy(maker);
    return fault_raise(
        ret_fault, FAULT_NOT_VIABLE, remedy,
        "%s exists only as long as %s has its driver (%s), so the two can be lent only together",
        PCI_ADDRESS_STR(device->address), PCI_ADDRESS_STR(maker->address), maker->driver);
}

static bool has_virtual_functions(const Host *host, const HostDevice *device, bool *ret_apart)
{
    g_autoptr(GPtrArray) functions = host_virtual_functions(host, device->address);

    *ret_apart = functions->len > 0;
    for (unsigned i = 0; i < functions->len; i++)
        *ret_apart &= ((HostDevice *)g_ptr_array_index(functions, i))->group != device->group;
    return functions->len > 0;
}

static const HostMediated *made_of(const Host *host, const HostDevice *device)
{
    for (unsigned i = 0; i < host->mediated->len; i++) {
        const HostMediated *mediated = g_ptr_array_index(host->mediated, i);
        if (mediated->of_function && pci_address_equal(mediated->parent, device->address))
            return mediated;
    }
    return NULL;
}

int planning_check_made(const Planning *planning, const HostDevice *device, Fault **ret_fault)
{
    bool apart;

    /* The device's driver takes them down with it, and no undo brings them back. */
    if (has_virtual_functions(planning->host, device, &apart)) {
        g_autofree char *remedy =
            g_strdup_printf("%s: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
                            apart ? "lend one of those, or remove them first" : "remove them first",
                            PCI_ADDRESS_STR(device->address));
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "%s has virtual functions, which would disappear with its driver",
                           PCI_ADDRESS_STR(device->address));
    }
    const HostMediated *mediated = made_of(planning->host, device);
    if (!mediated)
        return 0;
    g_autofree char *remedy = g_strdup_printf("lend the mediated device (MediatedDevice=), or remove it "
                                              "first: echo 1 > /sys/bus/mdev/devices/%s/remove",
                                              mediated->uuid);
    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "%s has the mediated device %s (%s), which would disappear with its driver",
                       PCI_ADDRESS_STR(device->address), mediated->uuid,
                       mediated->type ?: "of no known type");
}

static int check_claim(const Planning *planning, const HostDevice *device, Fault **ret_fault)
{
    const char *owner = planning->claims ? claims_owner(planning->claims, device->group) : NULL;

    for (unsigned i = 0; owner && i < planning->plan->groups->len; i++)
        if (g_array_index(planning->plan->groups, int, i) == device->group)
            return 0;
    if (!owner)
        return 0;
    return fault_raise(ret_fault, FAULT_IN_USE, "stop that one first",
                       "%s would disappear with the driver of %s, and is claimed by %s",
                       PCI_ADDRESS_STR(device->address),
                       PCI_ADDRESS_STR(host_maker(planning->host, device)->address), owner);
}

int planning_check_going(const Planning *planning, Fault **ret_fault)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < planning->host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(planning->host->devices, i);
        if (device->bridge || !planning_goes_with(planning, device))
            continue;
        if (device->stuck)
            return fault_raise(
                ret_fault, FAULT_STUCK,
                "close what still uses it; if that does not help, only a restart of the host does",
                "%s is stuck: a write to it hangs in the kernel", PCI_ADDRESS_STR(device->address));
        r = check_claim(planning, device, ret_fault);
        if (r == 0)
            r = planning_check_spare(planning, device, ret_fault);
        /* Its other nodes are below its maker's in sysfs. */
        if (r == 0 && vfio_driver_has(device))
            g_ptr_array_add(planning->plan->leaving, g_strdup(PCI_ADDRESS_STR(device->address)));
    }
    return r;
}
