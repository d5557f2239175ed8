/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest asks for, when it starts and while it runs. */
#include "../definition/definition.h"
#include "../host/fingerprint.h"
#include "backend.h"
#include "looking-glass.h"
#include "functions.h"
#include "mediated.h"
#include "private.h"

/* An earlier section that asks for one of the last section's functions, or NULL. */
static const PlanDevice *find_twin(const Plan *plan, PciAddress *ret_function)
{
    const PlanDevice *last = g_ptr_array_index(plan->devices, plan->devices->len - 1);

    for (unsigned i = 0; i + 1 < plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(plan->devices, i);
        for (unsigned j = 0; j < device->functions->len; j++)
            for (unsigned k = 0; k < last->functions->len; k++) {
                *ret_function = g_array_index(last->functions, PciAddress, k);
                if (pci_address_equal(g_array_index(device->functions, PciAddress, j), *ret_function))
                    return device;
            }
    }
    return NULL;
}

static int check_fingerprint(const Planning *planning, const char *source, const DefinitionPci *section,
                             Fault **ret_fault)
{
    g_autofree char *key = g_strdup_printf("%s: [PCI %s] Fingerprint=", source, section->name);
    return fingerprint_check(planning->host, section->address, section->fingerprint, key, ret_fault);
}

static BindWish section_wish(const DefinitionPci *section)
{
    return (BindWish){
        .address = section->address,
        .functions = section->functions,
        .virtual_functions = section->virtual_functions,
        .whole_group = section->whole_group,
    };
}

static int add_section(Planning *planning, const GuestDefinition *definition, const DefinitionPci *section,
                       Fault **ret_fault)
{
    BindWish wish = section_wish(section);
    if (definition_mediates(section))
        return plan_add_mediated(planning->plan, planning->host, planning->claims, definition, section,
                                 ret_fault);
    const char *source = definition->source ?: definition->name;
    int r = section->fingerprint ? check_fingerprint(planning, source, section, ret_fault) : 0;
    if (r == 0)
        r = planning_add(planning, section->name, section, &wish, ret_fault);
    if (r != 0)
        return r;
    const char *remark = definition_primary_vga_remark(definition, section);
    if (remark)
        plan_remark(planning->plan, section->address, "warning: %s", remark);

    PciAddress function;
    const PlanDevice *twin = find_twin(planning->plan, &function);
    if (twin)
        return fault_raise(ret_fault, FAULT_BAD_DEFINITION,
                           "name the device in one of them, or write Functions= in both",
                           "%s: [PCI %s] and [PCI %s] both ask for %s", source, twin->name, section->name,
                           PCI_ADDRESS_STR(function));
    return 0;
}

/* A running guest has the nodes of what it claims. A guest that starts has none yet, though it may have
 * claimed groups before the rest was made. */
static void add_nodes(const Planning *planning)
{
    Plan *plan = planning->plan;

    for (unsigned i = 0; i < plan->groups->len; i++) {
        int group = g_array_index(plan->groups, int, i);
        if (planning->running && planning->claims &&
            g_strcmp0(claims_owner(planning->claims, group), plan->owner) == 0)
            continue;
        if (plan_by_iommufd(planning->host, plan, group))
            continue;
        g_autoptr(GPtrArray) members = host_group(planning->host, group);
        const HostDevice *first = members->len > 0 ? g_ptr_array_index(members, 0) : NULL;
        const HostMediated *mediated = host_mediated_of(planning->host, group);
        g_autofree char *node =
            group >= 0
                ? g_strdup_printf("/dev/vfio/%d", group)
                : g_strdup_printf("group of %s", mediated ? mediated->uuid : PCI_ADDRESS_STR(first->address));
        g_ptr_array_add(plan->steps, step_new(STEP_NODE_OWNER, node, STEP_VALUE_HOST, STEP_VALUE_GUEST));
    }
}

/* Keeps the groups that are known, and adds that of a device whose virtual functions are lent, so that nobody
 * else gets it meanwhile. */
static void settle_groups(const Planning *planning, const GPtrArray *sections)
{
    GArray *groups = planning->plan->groups;

    for (unsigned i = groups->len; i > 0; i--)
        if (g_array_index(groups, int, i - 1) < 0)
            g_array_remove_index(groups, i - 1);
    for (unsigned i = 0; i < sections->len; i++) {
        const DefinitionPci *section = g_ptr_array_index(sections, i);
        const HostDevice *physical = host_find(planning->host, section->address);
        if (section->virtual_functions > 0 && physical->group != HOST_NO_GROUP)
            g_array_append_val(groups, physical->group);
    }
}

int plan_rest(const Host *host, const Claims *claims, const GuestDefinition *definition, Plan **ret,
              Fault **ret_fault)
{
    const Owner owner = owner_of_guest(definition->name);
    __attribute__((cleanup(planning_clear))) Planning planning = planning_new(host, claims, owner.text);
    planning.whole_remedy =
        "give them a [PCI] section too, or write Group=all: the host cannot use them while the guest runs";

    for (unsigned i = 0; i < definition->pci->len; i++) {
        int r = add_section(&planning, definition, g_ptr_array_index(definition->pci, i), ret_fault);
        if (r != 0)
            return r;
    }
    /* Memory comes before any device: it is often missing, and then nothing on the host has changed yet. */
    const HostDevice *first = planning.asked->len > 0 ? g_ptr_array_index(planning.asked, 0) : NULL;
    int r = plan_add_memory(planning.plan, host, claims, definition, first, ret_fault);
    if (r == 0)
        r = planning_finish(&planning, ret_fault);
    if (r == 0)
        r = plan_choose_backends(&planning, ret_fault);
    if (r == 0)
        r = plan_add_links(planning.plan, host, definition, ret_fault);
    if (r == 0)
        r = plan_add_host_cpus(planning.plan, host, claims, definition->name, &definition->cpu, ret_fault);
    if (r == 0)
        r = plan_check_usbs(host, definition->name, definition->usbs, ret_fault);
    if (r != 0)
        return r;
    plan_add_looking_glass(planning.plan, definition);
    add_nodes(&planning);
    settle_groups(&planning, definition->pci);
    *ret = g_steal_pointer(&planning.plan);
    return 0;
}

/* Puts the steps that make devices first. */
static void put_first(Plan *plan, const GPtrArray *making)
{
    plan->making = making->len;
    for (unsigned i = 0; i < making->len; i++)
        g_ptr_array_insert(plan->steps, i, step_copy(g_ptr_array_index(making, i)));
}

/* Plans as if all devices were there, so that every refusal comes before anything is made. */
int plan_start(const Host *host, const Claims *claims, const GuestDefinition *definition, Plan **ret,
               Fault **ret_fault)
{
    const Owner owner = owner_of_guest(definition->name);
    g_autoptr(GPtrArray) making = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autoptr(ExpectedHost) expected = expected_host_new(host);

    int r = plan_functions(host, claims, definition->pci, owner.text, making, expected, ret_fault);
    if (r == 0)
        r = plan_mediated(host, claims, definition, owner.text, making, expected, ret_fault);
    if (r == 0)
        r = plan_rest(&expected->host, claims, definition, ret, ret_fault);
    if (r == 0)
        put_first(*ret, making);
    return r;
}

/* Their place is on the root bus, where QEMU plugs nothing in. */
static int check_pluggable(const Planning *planning, Fault **ret_fault)
{
    const PlanDevice *device = g_ptr_array_index(planning->plan->devices, 0);

    if (!device->intel_graphics)
        return 0;
    return fault_raise(ret_fault, FAULT_REFUSED, "add a [PCI] section, and start the guest anew",
                       "%s cannot be plugged in while the guest runs: Intel's graphics work at 00:02.0 alone",
                       PCI_ADDRESS_STR(g_array_index(device->functions, PciAddress, 0)));
}

int plan_attach_rest(const Host *host, const Claims *claims, const char *owner, const BindWish *wish,
                     const DefinitionPci *section, Plan **ret, Fault **ret_fault)
{
    __attribute__((cleanup(planning_clear))) Planning planning = planning_new(host, claims, owner);
    BindWish said = section ? section_wish(section) : *wish;
    planning.running = true;
    planning.whole_remedy =
        section ? "write Group=all in its section: the host cannot use them while the guest has the device"
                : "attach it with --group=all: the host cannot use them while the guest has the device";

    int r = section && section->fingerprint ? check_fingerprint(&planning, owner, section, ret_fault) : 0;
    if (r == 0)
        r = planning_add(&planning, section ? section->name : PCI_ADDRESS_STR(said.address), section, &said,
                         ret_fault);
    if (r == 0)
        r = check_pluggable(&planning, ret_fault);
    if (r == 0)
        r = planning_finish(&planning, ret_fault);
    if (r == 0)
        r = plan_choose_backends(&planning, ret_fault);
    if (r != 0)
        return r;
    g_autoptr(GPtrArray) sections = g_ptr_array_new();
    if (section)
        g_ptr_array_add(sections, (gpointer)section);
    add_nodes(&planning);
    settle_groups(&planning, sections);
    *ret = g_steal_pointer(&planning.plan);
    return 0;
}

int plan_attach(const Host *host, const Claims *claims, const char *owner, const BindWish *wish,
                const DefinitionPci *section, Plan **ret, Fault **ret_fault)
{
    g_autoptr(GPtrArray) making = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    g_autoptr(GPtrArray) sections = g_ptr_array_new();
    g_autoptr(ExpectedHost) expected = expected_host_new(host);

    if (section)
        g_ptr_array_add(sections, (gpointer)section);
    int r = plan_functions(host, claims, sections, owner, making, expected, ret_fault);
    if (r == 0)
        r = plan_attach_rest(&expected->host, claims, owner, wish, section, ret, ret_fault);
    if (r == 0)
        put_first(*ret, making);
    return r;
}
