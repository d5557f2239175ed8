/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "assumed.h"

#include "../definition/definition.h"

/* Of Looking Glass' memory, for a screen of 1920 × 1080. */
#define USUAL_SIZE (UINT64_C(32) << 20)

/* Those that a section names, or those that are there; without either, the one that it names. */
static unsigned functions_of(const DefinitionPci *section, PlanLook look, const void *userdata,
                             GPtrArray *notes)
{
    if (section->functions != 0)
        return section->functions;
    unsigned there = look(section->address, userdata);
    if (there == 0)
        g_ptr_array_add(notes, g_strdup_printf("[PCI %s] %s is not on this host: it is taken for a device of "
                                               "one function, as Functions= does not name them",
                                               section->name, PCI_ADDRESS_STR(section->address)));
    return there ?: 1u << section->address.function;
}

/* Where they will be, only the device knows. */
static unsigned virtual_functions_of(const DefinitionPci *section, GPtrArray *notes)
{
    g_ptr_array_add(notes,
                    g_strdup_printf("[PCI %s] the addresses of the virtual functions of %s are not known "
                                    "before they are made: those that follow it stand for them",
                                    section->name, PCI_ADDRESS_STR(section->address)));
    return (1u << section->virtual_functions) - 1;
}

static void add_functions(PlanDevice *device, const DefinitionPci *section, PlanLook look,
                          const void *userdata, GPtrArray *notes)
{
    bool made = section->virtual_functions > 0;
    unsigned functions =
        made ? virtual_functions_of(section, notes) : functions_of(section, look, userdata, notes);
    PciAddress address = section->address;

    for (unsigned i = 0; i < 8; i++) {
        if (!(functions & (1u << i)))
            continue;
        address.function = made ? (i + 1) % 8 : i;
        g_array_append_val(device->functions, address);
    }
}

/* A device of kvmfr's has a size of its own. */
static void assume_size(GuestDefinition *definition, GPtrArray *notes)
{
    if (!definition->looking_glass.device || definition->looking_glass.size > 0)
        return;
    definition->looking_glass.size = USUAL_SIZE;
    g_ptr_array_add(notes, g_strdup_printf("[LookingGlass] the size of %s is looked up at a start: 32 MiB "
                                           "stand for it",
                                           definition->looking_glass.device));
}

Plan *plan_assume(GuestDefinition *definition, PlanLook look, const void *userdata, GPtrArray *notes)
{
    const Owner owner = owner_of_guest(definition->name);
    Plan *plan = plan_new(owner.text);

    for (unsigned i = 0; i < definition->pci->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(definition->pci, i);
        PlanDevice *device = g_new(PlanDevice, 1);

        *device = (PlanDevice){
            .name = g_strdup(section->name),
            .wish = section,
            .iommufd = section->backend == PCI_BACKEND_IOMMUFD,
            .mediated = definition_mediates(section) ? definition_mediated(definition, section) : NULL,
            .functions = g_array_new(FALSE, FALSE, sizeof(PciAddress)),
        };
        if (!device->mediated)
            add_functions(device, section, look, userdata, notes);
        device->intel_graphics = !device->mediated && host_intel_graphics_place(section->address);
        g_ptr_array_add(plan->devices, device);
    }
    assume_size(definition, notes);
    plan->vhost_net = true;
    plan->nodes = true;
    plan->memory_node = definition->memory.node - 1;
    return plan;
}
