/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests and binds claim, now and again after a restart. */
#include <stdio.h>

#include "../../base/log.h"
#include "../../core/host/cpu-list.h"
#include "../../edge/store/journal.h"
#include "../execution/undo.h"
#include "private.h"

bool manager_claim(Manager *m, const char *owner, const GPtrArray *addresses)
{
    PciAddress address;
    bool all = true;

    for (unsigned i = 0; i < addresses->len; i++) {
        const HostDevice *device = pci_address_from_string(g_ptr_array_index(addresses, i), &address) == 0
                                       ? host_find(manager_host(m), address)
                                       : NULL;
        if (!device || device->group == HOST_NO_GROUP || claims_take(m->claims, device->group, owner))
            continue;
        log_error("%s: group %d is claimed by %s already", owner, device->group,
                  claims_owner(m->claims, device->group));
        all = false;
    }
    return all;
}

/* Claims the groups of a journal's devices again, so that nobody else gets them meanwhile. */
static void claim_again(Manager *m, const char *owner, const Journal *journal)
{
    g_autoptr(GPtrArray) addresses = undo_addresses(journal);

    manager_claim(m, owner, addresses);
}

static void claim_cpus_again(Manager *m, const char *owner, const Journal *journal)
{
    g_autoptr(GPtrArray) steps = undo_plan(journal);

    for (unsigned i = 0; i < steps->len; i++) {
        const Step *step = g_ptr_array_index(steps, i);
        g_autofree char *without = step->kind == STEP_KEPT_OFF ? step_kept_off(step, step->before) : NULL;
        if (!without)
            continue;
        g_autoptr(GArray) with = cpu_set_parse(step->before), rest = cpu_set_parse(without),
                          ours = cpu_set_minus(with, rest);
        claims_take_cpus(m->claims, ours, owner);
    }
}

/* The device that it was made of stays with the host, and nobody else may take that. */
static void lean_again(Manager *m, const char *owner, const HostMediated *mediated)
{
    const HostDevice *parent = host_find_parent(manager_host(m), mediated);
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(int));

    if (!parent || parent->group == HOST_NO_GROUP)
        return;
    g_array_append_val(groups, parent->group);
    claims_lean(m->claims, groups, owner);
}

static void claim_nodes_again(Manager *m, const char *owner, const Journal *journal)
{
    g_autoptr(GPtrArray) steps = undo_plan(journal);
    int group;

    claims_note_nodes(m->claims, steps);
    for (unsigned i = 0; i < steps->len; i++) {
        const Step *step = g_ptr_array_index(steps, i);
        if (step->kind != STEP_NODE_OWNER || sscanf(step->subject, "/dev/vfio/%d", &group) != 1)
            continue;
        claims_take(m->claims, group, owner);
        const HostMediated *mediated = host_mediated_of(manager_host(m), group);
        if (mediated)
            lean_again(m, owner, mediated);
    }
}

void manager_claim_again(Manager *m, const char *owner)
{
    Journal *journal;

    if (journal_open(m->engine->journal_fd, owner, &journal) < 0)
        return;
    claim_again(m, owner, journal);
    claim_nodes_again(m, owner, journal);
    claim_cpus_again(m, owner, journal);
    journal_close(journal);
}

/* A guest's huge pages and memory are promised to it until QEMU has taken them: from then on they are not
 * free. */
void manager_settle_memory(Manager *m, const Guest *guest)
{
    const Owner owner = owner_of_guest(guest_name(guest));
    GuestState state = guest_state(guest);

    if (state == GUEST_PREPARING || state == GUEST_STARTING)
        return;
    claims_drop_pages(m->claims, owner.text);
    claims_hold_memory(m->claims, owner.text);
}

static void add_group(GArray *groups, const Host *host, const char *text)
{
    PciAddress address;
    const HostDevice *device = pci_address_from_string(text, &address) == 0 ? host_find(host, address) : NULL;

    if (device && device->group != HOST_NO_GROUP)
        g_array_append_val(groups, device->group);
}

/* The groups of the devices that the guest has, or could not give back yet. */
static GArray *groups_of(Manager *m, const Host *host, const Guest *guest)
{
    const Owner owner = owner_of_guest(guest_name(guest));
    const GPtrArray *devices = guest_devices(guest);
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(int));
    Journal *journal;
    int group;

    for (unsigned i = 0; i < devices->len; i++)
        add_group(groups, host, g_ptr_array_index(devices, i));
    if (journal_open(m->engine->journal_fd, owner.text, &journal) < 0)
        return groups;
    g_autoptr(GPtrArray) steps = undo_plan(journal);
    journal_close(journal);
    for (unsigned i = 0; i < steps->len; i++) {
        const char *subject = ((const Step *)g_ptr_array_index(steps, i))->subject;
        if (sscanf(subject, "/dev/vfio/%d", &group) == 1)
            g_array_append_val(groups, group);
        add_group(groups, host, subject);
    }
    return groups;
}

void manager_guest_devices(Guest *guest, void *userdata)
{
    Manager *m = userdata;
    const Owner owner = owner_of_guest(guest_name(guest));
    g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_free);
    const Host *host;

    if (host_cache_look(m->host, NULL, &host) < 0)
        return;
    /* After a restart QEMU tells of devices of which the journal says nothing: they were bound by hand
     * before, and no node changed hands. */
    manager_claim(m, owner.text, guest_devices(guest));
    for (unsigned i = 0; i < host->devices->len; i++) {
        const HostDevice *device = g_ptr_array_index(host->devices, i);
        if (g_strcmp0(claims_owner(m->claims, device->group), owner.text) == 0)
            g_ptr_array_add(changed, g_strdup(PCI_ADDRESS_STR(device->address)));
    }
    g_autoptr(GArray) groups = groups_of(m, host, guest);
    claims_keep(m->claims, groups, owner.text);
    manager_devices_changed(m, changed);
}

const char *manager_device_guest(Manager *m, const HostDevice *device)
{
    const char *owner = host_device_stays(device) ? NULL : claims_owner(m->claims, device->group);

    return owner_guest(owner) ?: "";
}

const char *manager_device_backend(Manager *m, const HostDevice *device)
{
    if (!*manager_device_guest(m, device))
        return "";
    return claims_has_node(m->claims, device->group) ? "group" : "iommufd";
}
