/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests after a restart of the daemon: what their journals claim is claimed again before anybody else may
 * start. */
#include <stdio.h>

#include "../../base/cleanup.h"
#include "../../base/log.h"
#include "../../core/host/cpu-list.h"
#include "../../edge/store/journal.h"
#include "private.h"
#include "../execution/undo.h"

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

/* The groups that a journal's devices are in, so that nobody else gets them meanwhile. */
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

/* What it was made of stays with the host, and others may not take it. */
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

void manager_recover_guest(Manager *m, const char *name)
{
    const Owner owner = owner_of_guest(name);
    GuestDefinition *definition = NULL;
    _cleanup_fault_ Fault *fault = NULL;
    Journal *journal;

    if (!guest_name_valid(name)) {
        log_warning("%s/journal holds a file for \"%s\", which is not a guest; leaving it alone",
                    m->engine->run_path, name);
        return;
    }
    GuestEntry *entry = manager_ensure_entry(m, name);
    if (journal_open(m->engine->journal_fd, owner.text, &journal) >= 0) {
        claim_again(m, owner.text, journal);
        claim_nodes_again(m, owner.text, journal);
        claim_cpus_again(m, owner.text, journal);
        journal_close(journal);
    }
    if (manager_load(m, name, &definition, &fault) < 0)
        definition = NULL;
    guest_recover(entry->guest, definition);
}
