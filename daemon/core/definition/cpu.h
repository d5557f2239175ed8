/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [CPU] of a definition. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "handle.h"

typedef enum Accelerator {
    ACCELERATOR_KVM,
    ACCELERATOR_TCG,
    ACCELERATOR_MAX,
    ACCELERATOR_INVALID = -EINVAL,
} Accelerator;

/* Who has the host CPU of a vCPU that is idle. */
typedef enum CpuIdle {
    CPU_IDLE_HOST,
    CPU_IDLE_GUEST,
    CPU_IDLE_MAX,
    CPU_IDLE_INVALID = -EINVAL,
} CpuIdle;

/* Together more would need more than 8 bits of APIC id, and so an IOMMU for the guest. */
#define CPUS_MAX 255

struct DefinitionCpu {
    Accelerator accelerator;                /* default kvm */
    char *model;                            /* default host with kvm, max with tcg */
    unsigned sockets, dies, cores, threads; /* defaults 1, 1, 2, 1 */
    char *features; /* Features= as QEMU takes them: "topoext=on,svm=off"; NULL: none */
    CpuIdle idle;   /* default host */
    bool hide_hypervisor, hyper_v;
    char *pin, *emulator_pin, *iothread_pin; /* as cpu_list_parse() takes them; NULL: anywhere */
    bool isolate;                            /* what runs on the host is kept off those of pin */
    char *governor;                          /* of those of pin; NULL: as it is */
};

/* How many vCPUs there are. */
unsigned definition_vcpus(const DefinitionCpu *cpu);

/* The section, which lives as long as the definition. */
const DefinitionCpu *definition_cpu(const GuestDefinition *definition);
