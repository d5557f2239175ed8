/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../base/cleanup.h"
#include "../host/card.h"
#include "../host/vfio-driver.h"
#include "driver.h"
#include "fitness.h"
#include "private.h"
#include "steps.h"
#include "reset-set.h"

DEFINE_ELEMENT_FREE(PlanDevice, plan_device_free, device)
{
    g_free(device->name);
    g_free(device->mediated);
    g_array_unref(device->functions);
    g_clear_pointer(&device->left, g_array_unref);
}

Plan *plan_new(const char *owner)
{
    Plan *plan = g_new(Plan, 1);
    *plan = (Plan){
        .owner = g_strdup(owner),
        .memory_node = -1,
        .steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free),
        .leaving = g_ptr_array_new_with_free_func(g_free),
        .groups = g_array_new(FALSE, FALSE, sizeof(int)),
        .leaning = g_array_new(FALSE, FALSE, sizeof(int)),
        .pages = g_array_new(FALSE, FALSE, sizeof(PlanPages)),
        .cpus = g_array_new(FALSE, FALSE, sizeof(unsigned)),
        .remarks = g_ptr_array_new_with_free_func((GDestroyNotify)step_free),
        .devices = g_ptr_array_new_with_free_func(plan_device_free),
    };
    return plan;
}

DEFINE_FREE(Plan, plan_free, plan)
{
    g_free(plan->owner);
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->leaving);
    g_array_unref(plan->groups);
    g_array_unref(plan->leaning);
    g_array_unref(plan->cpus);
    for (unsigned i = 0; i < plan->pages->len; i++)
        g_free(g_array_index(plan->pages, PlanPages, i).place);
    g_array_unref(plan->pages);
    g_ptr_array_unref(plan->remarks);
    g_ptr_array_unref(plan->devices);
    g_strfreev(plan->may_stop);
}

GPtrArray *plan_leaving(const Plan *plan)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < plan->leaving->len; i++)
        g_ptr_array_add(addresses, g_strdup(g_ptr_array_index(plan->leaving, i)));
    for (unsigned i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = g_ptr_array_index(plan->devices, i);
        if (device->mediated)
            g_ptr_array_add(addresses, g_strdup(device->mediated));
    }
    return addresses;
}

GPtrArray *plan_due(const Plan *plan)
{
    unsigned n = plan->making > 0 ? plan->making : plan->steps->len;
    GPtrArray *due = g_ptr_array_new();

    for (unsigned i = 0; i < n; i++)
        g_ptr_array_add(due, g_ptr_array_index(plan->steps, i));
    return due;
}

void planning_clear(Planning *planning)
{
    g_ptr_array_unref(planning->asked);
    g_array_unref(planning->whole);
    g_ptr_array_unref(planning->members);
    plan_free(planning->plan);
}

Planning planning_new(const Host *host, const Claims *claims, const char *owner)
{
    return (Planning){
        .host = host,
        .claims = claims,
        .asked = g_ptr_array_new(),
        .whole = g_array_new(FALSE, FALSE, sizeof(int)),
        .members = g_ptr_array_new(),
        .plan = plan_new(owner),
    };
}

static bool array_has(const GArray *groups, int group)
{
    for (unsigned i = 0; i < groups->len; i++)
        if (g_array_index(groups, int, i) == group)
            return true;
    return false;
}

static bool is_asked(const Planning *planning, const HostDevice *device)
{
    return g_ptr_array_find(planning->asked, device, NULL);
}

bool plan_harmless(const HostDevice *device)
{
    return vfio_driver_has(device) || g_strcmp0(device->driver, "pci-stub") == 0;
}

/* Without a driver, the root complex's own function or an ISA bridge does no harm. With one it keeps the
 * group from ever being viable, as it cannot go along. */
static bool hinders(const HostDevice *device)
{
    if (device->bridge || plan_harmless(device))
        return false;
    return device->driver || !host_device_stays(device);
}

bool planning_binds(const Planning *planning, const HostDevice *device)
{
    if (host_device_stays(device))
        return false;
    if (is_asked(planning, device))
        return !plan_driver_fits(planning->host, planning->plan, device);
    return array_has(planning->whole, device->group) && !plan_harmless(device);
}

/* NULL: nothing is left. */
static GArray *list_left(const Host *host, const BindWish *wish, const GPtrArray *functions)
{
    g_autoptr(GPtrArray) left = wish_left(host, wish, functions);
    GArray *addresses = left->len > 0 ? g_array_new(FALSE, FALSE, sizeof(PciAddress)) : NULL;

    for (unsigned i = 0; i < left->len; i++)
        g_array_append_val(addresses, ((const HostDevice *)g_ptr_array_index(left, i))->address);
    return addresses;
}

/* Adds the functions of one wish. name: the section's, or the address. */
int planning_add(Planning *planning, const char *name, const DefinitionPci *section, const BindWish *wish,
                 Fault **ret_fault)
{
    g_autoptr(GPtrArray) functions = NULL;
    int r = plan_check_driver(planning->host, section, ret_fault);
    if (r == 0)
        r = wish_resolve(planning->host, wish, &functions, ret_fault);
    if (r != 0)
        return r;

    PlanDevice *planned = g_new(PlanDevice, 1);
    *planned = (PlanDevice){
        .name = g_strdup(name),
        .wish = section,
        .functions = g_array_new(FALSE, FALSE, sizeof(PciAddress)),
        .left = list_left(planning->host, wish, functions),
    };
    g_ptr_array_add(planning->plan->devices, planned);

    for (unsigned i = 0; i < functions->len; i++) {
        HostDevice *device = g_ptr_array_index(functions, i);
        g_ptr_array_add(planning->asked, device);
        g_array_append_val(planned->functions, device->address);
        planned->intel_graphics |= host_intel_graphics(device);
        if (wish->whole_group)
            g_array_append_val(planning->whole, device->group);
        if (!array_has(planning->plan->groups, device->group))
            g_array_append_val(planning->plan->groups, device->group);
    }
    return 0;
}

static const HostDevice *first_asked(const Planning *planning, int group)
{
    for (unsigned i = 0; i < planning->asked->len; i++) {
        const HostDevice *device = g_ptr_array_index(planning->asked, i);
        if (device->group == group)
            return device;
    }
    g_assert_not_reached();
}

static int check_claim(const Planning *planning, int group, Fault **ret_fault)
{
    const char *owner = planning->claims
                            ? claims_owner(planning->claims, group)
                                  ?: claims_leaning(planning->claims, group, planning->plan->owner)
                            : NULL;
    if (!owner || g_str_equal(owner, planning->plan->owner))
        return 0;

    const HostDevice *device = first_asked(planning, group);
    const char *guest = owner_guest(owner);
    if (guest) {
        g_autofree char *remedy = g_strdup_printf("stop it first: usherctl stop %s", guest);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy, "%s (group %d) is claimed by guest %s",
                           PCI_ADDRESS_STR(device->address), group, guest);
    }
    return fault_raise(ret_fault, FAULT_IN_USE, "wait until that has ended",
                       "%s (group %d) is being bound or restored together with %s",
                       PCI_ADDRESS_STR(device->address), group, owner_name(owner));
}

static const char *remedy_for_needed(const HostDevice *device)
{
    if (strstr(device->needed_for, "console on "))
        return "move the console to another card (make that the first display in the firmware's setup, or "
               "name its framebuffer on the kernel's command line: fbcon=map:1 for fb1), or choose another "
               "device";
    return "end that use first, or choose another device";
}

int planning_check_spare(const Planning *planning, const HostDevice *device, Fault **ret_fault)
{
    if (device->needed_for)
        return fault_raise(ret_fault, FAULT_IN_USE, remedy_for_needed(device),
                           "%s (%s) is needed by the host: %s", PCI_ADDRESS_STR(device->address),
                           device->driver ? device->driver : "no driver", device->needed_for);
    return planning_check_made(planning, device, ret_fault);
}

static int raise_not_viable(const Planning *planning, int group, const GPtrArray *others, Fault **ret_fault)
{
    g_autofree char *names = host_describe(others);
    return fault_raise(ret_fault, FAULT_NOT_VIABLE, planning->whole_remedy, "group %d of %s also holds %s",
                       group, PCI_ADDRESS_STR(first_asked(planning, group)->address), names);
}

static int check_group(Planning *planning, int group, Fault **ret_fault)
{
    g_autoptr(GPtrArray) members = host_group(planning->host, group);
    g_autoptr(GPtrArray) others = g_ptr_array_new();

    for (unsigned i = 0; i < members->len; i++) {
        const HostDevice *device = g_ptr_array_index(members, i);
        if (device->stuck)
            return fault_raise(
                ret_fault, FAULT_STUCK,
                "close what still uses it; if that does not help, only a restart of the host does",
                "%s is stuck: a write to it hangs in the kernel", PCI_ADDRESS_STR(device->address));
    }
    int r = check_claim(planning, group, ret_fault);
    for (unsigned i = 0; r == 0 && i < members->len; i++) {
        HostDevice *device = g_ptr_array_index(members, i);
        if (is_asked(planning, device))
            r = planning_check_maker(planning, device, ret_fault);
        if (r != 0 || planning_goes_with(planning, device))
            continue;
        if (planning_binds(planning, device)) {
            r = planning_check_spare(planning, device, ret_fault);
            g_ptr_array_add(planning->members, device);
        } else if (hinders(device) && !is_asked(planning, device)) {
            g_ptr_array_add(others, device);
        }
    }
    if (r == 0 && others->len > 0)
        return raise_not_viable(planning, group, others, ret_fault);
    return r;
}

static int compare_groups(gconstpointer a, gconstpointer b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

/* A GPU's audio leaves before the GPU, and comes back after it. */
static int member_rank(const Planning *planning, const HostDevice *device)
{
    if (device->address.function != 0)
        return 0;
    for (unsigned i = 0; i < planning->asked->len; i++) {
        const HostDevice *asked = g_ptr_array_index(planning->asked, i);
        if (pci_address_same_slot(asked->address, device->address))
            return 2;
    }
    return 1;
}

static int compare_members(gconstpointer a, gconstpointer b, gpointer planning)
{
    const HostDevice *x = *(const HostDevice *const *)a, *y = *(const HostDevice *const *)b;
    int rank_x = member_rank(planning, x), rank_y = member_rank(planning, y);
    return rank_x != rank_y ? rank_x - rank_y : pci_address_compare(x->address, y->address);
}

/* Checks that each device that changes hands is fit for that, and that none that was asked for drags others
 * down when it is reset. */
static int check_devices(const Planning *planning, Fault **ret_fault)
{
    g_autoptr(GPtrArray) taken = g_ptr_array_copy(planning->asked, NULL, NULL);
    int r = 0;

    g_ptr_array_extend(taken, planning->members, NULL, NULL);
    for (unsigned i = 0; r == 0 && i < taken->len; i++)
        r = fitness_check(g_ptr_array_index(taken, i), ret_fault);
    for (unsigned i = 0; i < planning->host->devices->len; i++)
        if (planning_goes_with(planning, g_ptr_array_index(planning->host->devices, i)))
            g_ptr_array_add(taken, g_ptr_array_index(planning->host->devices, i));
    for (unsigned i = 0; r == 0 && i < planning->asked->len; i++)
        r = reset_set_check(planning->host, g_ptr_array_index(planning->asked, i), taken, ret_fault);
    return r;
}

/* Whether the guest's own QEMU has the group's node open, and is nobody else's holder. A device that leaves a
 * driver of the host's can have other holders. */
static bool has_already(const Planning *planning, const HostDevice *device)
{
    const char *owner = planning->claims ? claims_owner(planning->claims, device->group) : NULL;

    return planning->running && g_strcmp0(owner, planning->plan->owner) == 0 &&
           (!device->driver || plan_harmless(device));
}

/* Notes what changes hands, and what is on vfio-pci already, asked for or not. Whoever has any of a group
 * open has all of it: the kernel lets one open a group, or devices of it, and not both
 * (vfio_group_fops_open() of the kernel's group.c). */
static void note_leaving(Planning *planning, int group)
{
    g_autoptr(GPtrArray) members = host_group(planning->host, group);

    for (unsigned i = 0; i < members->len; i++) {
        const HostDevice *device = g_ptr_array_index(members, i);
        if (!host_device_stays(device) && !has_already(planning, device) &&
            (vfio_driver_has(device) || is_asked(planning, device) || planning_binds(planning, device)) &&
            !planning_goes_with(planning, device))
            g_ptr_array_add(planning->plan->leaving, g_strdup(PCI_ADDRESS_STR(device->address)));
    }
}

/* A card is more than its slot: what the guest does not get of it is told, and stays with the host. */
static void remark_cards(const Planning *planning)
{
    for (unsigned i = 0; i < planning->asked->len; i++) {
        const HostDevice *device = g_ptr_array_index(planning->asked, i);
        g_autoptr(GPtrArray) others = host_card_elsewhere(planning->host, device);
        for (unsigned j = others->len; j-- > 0;)
            if (is_asked(planning, g_ptr_array_index(others, j)))
                g_ptr_array_remove_index(others, j);
        if (others->len == 0)
            continue;
        g_autofree char *names = host_describe(others);
        plan_remark(planning->plan, device->address,
                    "note: the same card, behind its own switch, has %s, which stays with the host", names);
    }
}

/* After all wishes were added: refuses, or makes the steps. */
int planning_finish(Planning *planning, Fault **ret_fault)
{
    GArray *groups = planning->plan->groups;
    g_array_sort(groups, compare_groups);

    for (unsigned i = 0; i < groups->len; i++) {
        int r = check_group(planning, g_array_index(groups, int, i), ret_fault);
        if (r != 0)
            return r;
        note_leaving(planning, g_array_index(groups, int, i));
    }
    int r = planning_check_going(planning, ret_fault);
    if (r == 0)
        r = check_devices(planning, ret_fault);
    if (r != 0)
        return r;
    g_ptr_array_sort_with_data(planning->members, compare_members, planning);
    remark_cards(planning);
    return plan_steps_add(planning->host, planning->members, planning->plan, ret_fault);
}

int plan_bind(const Host *host, const Claims *claims, const BindWish *wish, Plan **ret, Fault **ret_fault)
{
    PciAddressText address = pci_address_to_text(wish->address);
    g_autofree char *remedy = g_strdup_printf("bind them too: usherctl bind --group=all %s", address.text);
    __attribute__((cleanup(planning_clear))) Planning planning =
        planning_new(host, claims, OWNER_BIND(address.text));
    planning.whole_remedy = remedy;

    int r = planning_add(&planning, address.text, NULL, wish, ret_fault);
    if (r == 0)
        r = planning_finish(&planning, ret_fault);
    if (r != 0)
        return r;
    if (planning.members->len == 0)
        return fault_raise(ret_fault, FAULT_REFUSED, NULL, "nothing to do: all of %s is on vfio-pci already",
                           address.text);
    *ret = g_steal_pointer(&planning.plan);
    return 0;
}
