/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting a guest, and what a start would do. */
#include "../gate/preflight.h"
#include "private.h"

static int refuse_state(const GuestEntry *entry, Fault **ret_fault)
{
    const char *name = entry ? guest_name(entry->guest) : "";

    if (!entry)
        return 0;
    if (guest_at_rest(entry->guest))
        return manager_refuse_leftovers(entry->guest, ret_fault);
    int r = manager_refuse_sought(entry->guest, ret_fault);
    if (r != 0)
        return r;
    if (guest_state(entry->guest) == GUEST_RESTORING || guest_state(entry->guest) == GUEST_STOPPING)
        return fault_raise(ret_fault, FAULT_BUSY, "try again when it has stopped", "guest %s is %s", name,
                           guest_state_to_string(guest_state(entry->guest)));
    return fault_raise(ret_fault, FAULT_ALREADY_RUNNING, NULL, "guest %s is %s already", name,
                       guest_state_to_string(guest_state(entry->guest)));
}

/* tools: what the host has for it. */
static int prepare_start(Manager *m, const char *name, const HostTools *tools,
                         GuestDefinition **ret_definition, Plan **ret_plan, Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;
    g_autoptr(Plan) plan = NULL;
    const Host *host;

    int r = manager_load(m, name, &definition, ret_fault);
    if (r == 0)
        host_tools_settle(tools, definition);
    if (r == 0)
        r = refuse_state(manager_guest_entry(m, name), ret_fault);
    if (r == 0)
        r = manager_check_allowed(m, definition, ret_fault);
    if (r == 0)
        r = preflight_check(definition, m->engine->qemu_path, tools, ret_fault);
    if (r == 0)
        r = preflight_check_ports(definition, m->engine->host_place.proc_fd, ret_fault);
    if (r == 0)
        r = host_cache_look(m->host, definition, &host);
    if (r == 0)
        r = preflight_check_inputs(definition, host, m->engine->step_place.dev_fd, ret_fault);
    if (r == 0)
        r = plan_start(host, m->claims, definition, &plan, ret_fault);
    if (r == 0)
        r = preflight_check_qemu(definition, plan, qemu_probe_known(m->engine->probe), tools, ret_fault);
    if (r == 0)
        *ret_plan = g_steal_pointer(&plan);
    if (r == 0)
        *ret_definition = g_steal_pointer(&definition);
    return r;
}

int manager_start_by(Manager *m, const char *name, bool by_unit, char **may_stop, unsigned *ret_job,
                     Fault **ret_fault)
{
    g_autoptr(HostTools) tools = tools_find(&m->engine->tools_place);
    GuestDefinition *definition;
    Plan *plan;

    int r = prepare_start(m, name, tools, &definition, &plan, ret_fault);
    if (r != 0)
        return r;
    plan->may_stop = g_strdupv(may_stop);
    /* plan_start() has made sure that they are free. */
    claims_take_all(m->claims, plan->groups, plan->owner);
    claims_note_nodes(m->claims, plan->steps);
    claims_lean(m->claims, plan->leaning, plan->owner);
    claims_take_cpus(m->claims, plan->cpus, plan->owner);
    plan_claim_memory(plan, m->claims);

    GuestEntry *entry = manager_ensure_entry(m, name);
    Job *job = manager_new_job(m, JOB_START, name);
    *ret_job = job->id;
    guest_start(entry->guest, definition, plan, job, by_unit);
    manager_devices_changed(m, guest_devices(entry->guest));
    return 0;
}

int manager_start(Manager *m, const char *name, char **may_stop, unsigned *ret_job, Fault **ret_fault)
{
    return manager_start_by(m, name, false, may_stop, ret_job, ret_fault);
}

int manager_plan_start(Manager *m, const char *name, bool claim, ManagerPlanned planned, void *userdata,
                       Fault **ret_fault)
{
    g_autoptr(HostTools) tools = tools_find(&m->engine->tools_place);
    GuestDefinition *definition;
    Plan *plan;

    int r = prepare_start(m, name, tools, &definition, &plan, ret_fault);
    if (r != 0)
        return r;
    /* A start asks once more. */
    if (!qemu_probe_known(m->engine->probe) && qemu_probe_failure(m->engine->probe)) {
        *ret_fault = preflight_silent_qemu(qemu_probe_failure(m->engine->probe));
        definition_free(definition);
        plan_free(plan);
        return FAULT_RAISED;
    }
    GPtrArray *files = host_tools_file_wishes(tools, definition, plan->vhost_net);
    return manager_show_plan(m, plan, definition, files, claim, planned, userdata, ret_fault);
}

/* What is assumed for that, as the size of a device's memory, is not what its files are held to. */
static int check_abilities_of(Manager *m, const char *name, Fault **ret_fault)
{
    g_autoptr(GuestDefinition) definition = NULL;

    int r = manager_load(m, name, &definition, ret_fault);
    return r == 0 ? manager_check_abilities(m, definition, ret_fault) : r;
}

int manager_check_files(Manager *m, const char *name, bool claim, ManagerPlanned planned, void *userdata,
                        Fault **ret_fault)
{
    const Owner owner = owner_of_guest(name);
    const GuestEntry *entry = manager_guest_entry(m, name);
    g_autoptr(GuestDefinition) definition = NULL;

    int r = check_abilities_of(m, name, ret_fault);
    if (r == 0)
        r = manager_load(m, name, &definition, ret_fault);
    if (r != 0)
        return r;
    g_autoptr(HostTools) tools = tools_find(&m->engine->tools_place);
    host_tools_settle(tools, definition);
    /* A running guest has them in use itself. */
    bool at_rest = !entry || guest_at_rest(entry->guest);
    GPtrArray *files = at_rest ? host_tools_file_wishes(tools, definition, false) : NULL;
    return manager_show_plan(m, plan_new(owner.text), g_steal_pointer(&definition), files, claim, planned,
                             userdata, ret_fault);
}
