/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../definition/cpu.h"
#include "builder.h"

/* What QEMU offers of Hyper-V that costs nothing and needs no other device (docs/system/i386/hyperv.rst);
 * each is known to the oldest kernel that usher runs on. hv-stimer needs hv-time and hv-synic; hv-synic,
 * hv-tlbflush and hv-ipi need hv-vpindex. */
static const char *const enlightenments[] = {
    "hv-relaxed", "hv-vapic",  "hv-spinlocks=0x1fff", "hv-vpindex", "hv-runtime",  "hv-time",
    "hv-synic",   "hv-stimer", "hv-frequencies",      "hv-reset",   "hv-tlbflush", "hv-ipi",
};

static void append_hiding(const DefinitionCpu *wish, GString *cpu)
{
    if (!wish->hide_hypervisor)
        return;
    /* KVM's own leaf of CPUID. */
    g_string_append(cpu, ",kvm=off");
    /* Windows looks for enlightenments only if the CPU admits to a hypervisor (Hypervisor Top Level
     * Functional Specification, 2.2): so with them only the hypervisor's name is changed. */
    if (wish->hyper_v)
        g_string_append(cpu, ",hv-vendor-id=usher");
    else
        g_string_append(cpu, ",hypervisor=off");
}

void qemu_add_cpu(QemuBuilder *builder, const DefinitionCpu *wish)
{
    g_autofree char *dies = wish->dies > 1 ? g_strdup_printf(",dies=%u", wish->dies) : g_strdup("");
    g_autoptr(GString) cpu = g_string_new(wish->model);

    for (unsigned i = 0; wish->hyper_v && i < G_N_ELEMENTS(enlightenments); i++)
        g_string_append_printf(cpu, ",%s%s", enlightenments[i], strchr(enlightenments[i], '=') ? "" : "=on");
    append_hiding(wish, cpu);
    if (wish->features)
        g_string_append_printf(cpu, ",%s", wish->features);
    builder_option(builder, "-cpu", "%s", cpu->str);
    builder_option(builder, "-smp", "cpus=%u,sockets=%u%s,cores=%u,threads=%u", definition_vcpus(wish),
                   wish->sockets, dies, wish->cores, wish->threads);
    /* KVM then lets the vCPU halt and sleep by itself (KVM_CAP_X86_DISABLE_EXITS). */
    if (wish->idle == CPU_IDLE_GUEST)
        builder_option(builder, "-overcommit", "cpu-pm=on");
}
