/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that come to guests and leave them while they run. */
#include <stdio.h>
#include <unistd.h>

#include "../../core/definition/pci.h"
#include "../../base/file.h"
#include "private.h"

/* What QEMU has in memory, in bytes; 0: unknown. The second number of /proc/PID/statm (proc(5)). */
static uint64_t resident_memory(const Manager *m, const Guest *guest)
{
    g_autofree char *path = g_strdup_printf("%d/statm", (int)guest_pid(guest)), *text = NULL;
    unsigned long long pages = 0;

    if (file_read_value_at(m->engine->host_place.proc_fd, path, &text) < 0 ||
        sscanf(text, "%*u %llu", &pages) != 1)
        return 0;
    return pages * sysconf(_SC_PAGESIZE);
}

/* A guest's first device pins all of the guest's memory. */
static int check_memory(Manager *m, const Host *host, const Guest *guest, const char *owner,
                        Fault **ret_fault)
{
    const GuestDefinition *definition = guest_definition(guest);

    if (!definition || guest_devices(guest)->len > 0)
        return 0;
    return plan_check_pinned(host, m->claims, definition, owner, resident_memory(m, guest), ret_fault);
}

bool manager_guest_has_section(Manager *m, const char *name, PciAddress address)
{
    const GuestEntry *entry = manager_guest_entry(m, name);

    return entry && guest_section(entry->guest, address);
}

static int prepare_attach(Manager *m, const char *name, const BindWish *wish, GuestEntry **ret_entry,
                          Plan **ret, Fault **ret_fault)
{
    const Owner owner = owner_of_guest(name);
    g_autoptr(Plan) plan = NULL;
    const Host *host;

    int r = manager_find_guest(m, name, ret_entry, ret_fault);
    if (r == 0)
        r = guest_check_pluggable((*ret_entry)->guest, ret_fault);
    if (r == 0)
        r = host_cache_look(m->host, NULL, &host);
    if (r != 0)
        return r;
    const DefinitionPci *section = guest_section((*ret_entry)->guest, wish->address);
    r = plan_attach(host, m->claims, owner.text, wish, section, &plan, ret_fault);
    if (r == 0)
        r = guest_check_attach((*ret_entry)->guest, plan, ret_fault);
    if (r == 0)
        r = check_memory(m, host, (*ret_entry)->guest, owner.text, ret_fault);
    if (r != 0)
        return r;
    plan->may_stop = g_strdupv(wish->may_stop);
    *ret = g_steal_pointer(&plan);
    return 0;
}

int manager_attach(Manager *m, const char *name, const BindWish *wish, unsigned *ret_job, Fault **ret_fault)
{
    GuestEntry *entry;
    Plan *plan;

    int r = prepare_attach(m, name, wish, &entry, &plan, ret_fault);
    if (r != 0)
        return r;
    /* plan_attach() has made sure that they are free. */
    claims_take_all(m->claims, plan->groups, plan->owner);
    claims_note_nodes(m->claims, plan->steps);
    Job *job = manager_new_job(m, JOB_ATTACH, name);
    *ret_job = job->id;
    guest_attach(entry->guest, plan, PCI_ADDRESS_STR(wish->address), job);
    return 0;
}

static int find_for_detach(Manager *m, const char *name, PciAddress address, GuestEntry **ret,
                           Fault **ret_fault)
{
    int r = manager_find_guest(m, name, ret, ret_fault);
    if (r == 0)
        r = guest_check_pluggable((*ret)->guest, ret_fault);
    if (r == 0)
        r = guest_check_detach((*ret)->guest, PCI_ADDRESS_STR(address), ret_fault);
    return r;
}

int manager_detach(Manager *m, const char *name, PciAddress address, unsigned *ret_job, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = find_for_detach(m, name, address, &entry, ret_fault);
    if (r != 0)
        return r;
    Job *job = manager_new_job(m, JOB_DETACH, name);
    *ret_job = job->id;
    r = guest_detach(entry->guest, PCI_ADDRESS_STR(address), job);
    if (r < 0) {
        _cleanup_fault_ Fault *fault =
            fault_new(FAULT_UNRESPONSIVE, NULL, "QEMU of guest %s: %s", name, g_strerror(-r));
        job_end(job, fault);
    }
    return 0;
}

int manager_plan_attach(Manager *m, const char *name, const BindWish *wish, bool claim,
                        ManagerPlanned planned, void *userdata, Fault **ret_fault)
{
    GuestEntry *entry;
    Plan *plan;

    int r = prepare_attach(m, name, wish, &entry, &plan, ret_fault);
    if (r != 0)
        return r;
    const DefinitionPci *section = ((const PlanDevice *)g_ptr_array_index(plan->devices, 0))->wish;
    /* The section is the run's, whatever its file says by now, and must outlive the guest's end. */
    return manager_show_plan(m, plan, section ? definition_ref(guest_definition(entry->guest)) : NULL,
                             section ? file_wishes_of_pci(section) : NULL, claim, planned, userdata,
                             ret_fault);
}

int manager_plan_detach(Manager *m, const char *name, PciAddress address, GPtrArray **ret, Fault **ret_fault)
{
    GuestEntry *entry;

    int r = find_for_detach(m, name, address, &entry, ret_fault);
    if (r == 0)
        *ret = guest_plan_detach(entry->guest, PCI_ADDRESS_STR(address));
    return r;
}
