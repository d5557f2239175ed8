/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../definition/pci.h"
#include "../host/vfio-driver.h"
#include "functions.h"

#include "fitness.h"
#include "../record/step.h"

static int raise_made(const HostDevice *physical, const GPtrArray *functions, Fault **ret_fault)
{
    g_autofree char *names = host_describe(functions);
    g_autofree char *remedy = g_strdup_printf("lend one of those by its own address, or remove them first: "
                                              "echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
                                              PCI_ADDRESS_STR(physical->address));

    return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                       "%s has virtual functions already, and its driver makes no others beside them: %s",
                       PCI_ADDRESS_STR(physical->address), names);
}

static int check_claim(const HostDevice *physical, const Claims *claims, const char *owner, Fault **ret_fault)
{
    const char *present = claims ? claims_owner(claims, physical->group) : NULL;

    if (!present || g_str_equal(present, owner))
        return 0;
    return fault_raise(ret_fault, FAULT_IN_USE, "stop that one first", "%s (group %d) is claimed by %s",
                       PCI_ADDRESS_STR(physical->address), physical->group, present);
}

static int check_physical(const Host *host, const HostDevice *physical, unsigned wanted, Fault **ret_fault)
{
    const char *address = PCI_ADDRESS_STR(physical->address);
    g_autoptr(GPtrArray) functions = host_virtual_functions(host, physical->address);

    if (physical->stuck)
        return fault_raise(ret_fault, FAULT_STUCK, "only a restart of the host helps",
                           "%s is stuck: a write to it hangs in the kernel", address);
    if (physical->sriov.total == 0 || physical->sriov.offset == 0)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "remove VirtualFunctions=; or switch SR-IOV on in the setup of the firmware or the card",
            "%s cannot have virtual functions", address);
    if (wanted > physical->sriov.total)
        return fault_raise(ret_fault, FAULT_REFUSED,
                           "lower VirtualFunctions=", "%s cannot have %u virtual functions, but at most %u",
                           address, wanted, physical->sriov.total);
    if (functions->len > 0)
        return raise_made(physical, functions, ret_fault);
    /* The driver makes virtual functions (struct pci_driver, sriov_configure). */
    if (!physical->driver || vfio_driver_has(physical))
        return fault_raise(
            ret_fault, FAULT_REFUSED, "give the device to its own driver: modprobe, or usherctl restore",
            "the driver of %s makes no virtual functions: %s", address, physical->driver ?: "none");
    return fitness_check(physical, ret_fault);
}

static void add_steps(const HostDevice *physical, unsigned wanted, GPtrArray *steps)
{
    const char *address = PCI_ADDRESS_STR(physical->address);
    g_autofree char *number = g_strdup_printf("%u", wanted);

    /* Keeps the host's drivers off the functions, now and while the guest has them. */
    if (g_strcmp0(physical->sriov.autoprobe, "1") == 0)
        g_ptr_array_add(steps, step_new(STEP_AUTOPROBE, address, "1", "0"));
    g_ptr_array_add(steps, step_new(STEP_FUNCTIONS, address, "0", number));
}

int plan_functions(const Host *host, const Claims *claims, const GPtrArray *sections, const char *owner,
                   GPtrArray *steps, ExpectedHost *expected, Fault **ret_fault)
{
    for (unsigned i = 0; i < sections->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(sections, i);
        const HostDevice *physical = host_find(host, section->address);
        /* A missing device is reported with all other mistakes of its kind. */
        if (section->virtual_functions == 0 || !physical)
            continue;
        int r = check_physical(host, physical, section->virtual_functions, ret_fault);
        if (r == 0)
            r = check_claim(physical, claims, owner, ret_fault);
        if (r != 0)
            return r;
        /* A second section for the device is found later, as both ask for the same functions. */
        g_autoptr(GPtrArray) twice = host_virtual_functions(&expected->host, physical->address);
        if (twice->len > 0)
            continue;
        for (unsigned n = 0; n < section->virtual_functions; n++)
            expected_host_add_function(expected, physical, n);
        add_steps(physical, section->virtual_functions, steps);
    }
    return 0;
}
