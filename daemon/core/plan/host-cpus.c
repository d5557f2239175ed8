/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../definition/cpu.h"
#include "../host/cpu-list.h"
#include "plan.h"

static GArray *online(const Host *host)
{
    GArray *set = g_array_new(FALSE, FALSE, sizeof(unsigned));

    for (unsigned i = 0; i < host->cpus->len; i++)
        g_array_append_val(set, ((const HostCpu *)g_ptr_array_index(host->cpus, i))->number);
    return set;
}

/* The kernel would silently leave out host CPUs that are off or not there. */
static int check_there(const Host *host, const char *guest, const DefinitionCpu *wish, Fault **ret_fault)
{
    const char *const lists[] = {wish->pin, wish->emulator_pin, wish->iothread_pin};
    static const char *const keys[] = {"Pin", "EmulatorPin", "IOThreadPin"};
    g_autoptr(GArray) all = online(host);

    for (unsigned i = 0; all->len > 0 && i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GArray) wanted = lists[i] ? cpu_list_parse(lists[i]) : NULL;
        g_autofree char *missing = wanted ? cpu_list_missing(wanted, all) : NULL, *has = cpu_set_to_text(all);
        if (missing)
            return fault_raise(ret_fault, FAULT_REFUSED, "lscpu -e shows them",
                               "guest %s: [CPU] %s= names host CPU %s, and the host has %s", guest, keys[i],
                               missing, has);
    }
    return 0;
}

/* One host CPU serves one guest, so that a guest that stops gives back nothing that another needs kept. */
static int check_claims(const Plan *plan, const Claims *claims, const char *guest, const GArray *pins,
                        Fault **ret_fault)
{
    for (unsigned i = 0; claims && i < pins->len; i++) {
        unsigned cpu = g_array_index(pins, unsigned, i);
        const char *owner = claims_cpu_owner(claims, cpu);
        if (!owner || g_str_equal(owner, plan->owner))
            continue;
        const char *other = owner_name(owner);
        g_autofree char *remedy =
            g_strdup_printf("stop that guest first: usherctl stop %s; or name other host CPUs", other);
        return fault_raise(ret_fault, FAULT_IN_USE, remedy,
                           "guest %s: [CPU] Pin=: host CPU %u is reserved for guest %s", guest, cpu, other);
    }
    return 0;
}

static int check_host(const Host *host, const char *guest, Fault **ret_fault)
{
    if (host->slices->len == 0)
        return fault_raise(
            ret_fault, FAULT_REFUSED, "remove it",
            "guest %s: [CPU] Isolate=yes needs systemd, whose slices keep other processes off host "
            "CPUs",
            guest);
    if (!host->cpusets)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "boot with systemd.unified_cgroup_hierarchy=1 and a kernel with CONFIG_CPUSETS, or remove "
            "Isolate=",
            "guest %s: [CPU] Isolate=yes needs the controller cpuset of cgroup v2, which this host "
            "does not have",
            guest);
    return 0;
}

/* Host CPUs that others were promised count as taken before their steps are. */
static GArray *promised(const Host *host, const Claims *claims)
{
    GArray *set = g_array_new(FALSE, FALSE, sizeof(unsigned));

    for (unsigned i = 0; claims && i < host->cpus->len; i++) {
        const HostCpu *cpu = g_ptr_array_index(host->cpus, i);
        if (claims_cpu_owner(claims, cpu->number))
            g_array_append_val(set, cpu->number);
    }
    return set;
}

static int add_slice(Plan *plan, const Host *host, const Claims *claims, const HostSlice *slice,
                     const GArray *pins, const char *guest, const char *list, Fault **ret_fault)
{
    g_autoptr(GArray) all = online(host), then = cpu_set_join(slice->kept_off, pins),
                      others = promised(host, claims), gone = cpu_set_join(then, others),
                      left = cpu_set_minus(all, gone);
    g_autofree char *before = cpu_set_to_text(slice->kept_off), *after = cpu_set_to_text(then);

    if (left->len == 0) {
        g_autofree char *has = cpu_set_to_text(all);
        return fault_raise(ret_fault, FAULT_REFUSED, "leave at least one out of Pin=",
                           "guest %s: [CPU] Isolate=yes with Pin=%s would leave %s no host CPU (%s)", guest,
                           list, slice->unit, has);
    }
    if (!g_str_equal(before, after))
        g_ptr_array_add(plan->steps, step_new(STEP_KEPT_OFF, slice->unit, before, after));
    return 0;
}

static int add_isolation(Plan *plan, const Host *host, const Claims *claims, const char *guest,
                         const char *list, const GArray *pins, Fault **ret_fault)
{
    int r = check_host(host, guest, ret_fault);

    if (r == 0)
        r = check_claims(plan, claims, guest, pins, ret_fault);
    /* Kernels before 6.2 let every thread run anywhere when the controller comes or goes (cpuset_attach()),
     * even threads of pinned guests. So the controller comes before QEMU does, and stays when its last user
     * goes. */
    if (r == 0 && !host->guests_cpusets)
        g_ptr_array_add(plan->steps, step_new(STEP_CPUSETS, GUESTS_SLICE, "absent", "live"));
    for (unsigned i = 0; r == 0 && i < host->slices->len; i++)
        r = add_slice(plan, host, claims, g_ptr_array_index(host->slices, i), pins, guest, list, ret_fault);
    if (r == 0)
        g_array_append_vals(plan->cpus, pins->data, pins->len);
    return r;
}

static const HostCpu *find_cpu(const Host *host, unsigned number)
{
    for (unsigned i = 0; i < host->cpus->len; i++) {
        const HostCpu *cpu = g_ptr_array_index(host->cpus, i);
        if (cpu->number == number)
            return cpu;
    }
    return NULL;
}

static int add_governor(Plan *plan, const Host *host, const char *guest, const char *wanted, unsigned number,
                        Fault **ret_fault)
{
    const HostCpu *cpu = find_cpu(host, number);

    if (!cpu || !cpu->governor)
        return fault_raise(
            ret_fault, FAULT_REFUSED,
            "remove Governor=: in a virtual machine, or if the firmware sets the speed itself, there is "
            "nothing to choose",
            "guest %s: [CPU] Governor=%s: this host cannot set the speed of host CPU %u (it has no cpufreq)",
            guest, wanted, number);
    g_auto(GStrv) there = g_strsplit(host->governors ?: "", " ", -1);
    /* A governor that is a module is only listed once it is loaded (show_scaling_available_governors()). */
    if (!g_strv_contains((const char *const *)there, wanted)) {
        g_autofree char *remedy = g_strdup_printf(
            "choose one of: %s; or load the governor's module, if there is one: modprobe cpufreq_%s",
            host->governors ?: cpu->governor, wanted);
        return fault_raise(ret_fault, FAULT_REFUSED, remedy,
                           "guest %s: [CPU] Governor=%s: this host has no such governor", guest, wanted);
    }
    if (g_str_equal(cpu->governor, wanted))
        return 0;
    g_autofree char *subject = g_strdup_printf("cpu%u", number);
    g_ptr_array_add(plan->steps, step_new(STEP_GOVERNOR, subject, cpu->governor, wanted));
    return 0;
}

int plan_add_host_cpus(Plan *plan, const Host *host, const Claims *claims, const char *guest,
                       const DefinitionCpu *wish, Fault **ret_fault)
{
    g_autoptr(GArray) pins = wish->pin ? cpu_list_parse(wish->pin) : NULL;
    int r = check_there(host, guest, wish, ret_fault);

    if (r == 0 && pins && wish->isolate)
        r = add_isolation(plan, host, claims, guest, wish->pin, pins, ret_fault);
    for (unsigned i = 0; r == 0 && pins && wish->governor && i < pins->len; i++)
        r = add_governor(plan, host, guest, wish->governor, g_array_index(pins, unsigned, i), ret_fault);
    return r;
}
