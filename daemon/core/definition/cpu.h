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

struct DefinitionCpu {
    Accelerator accelerator;          /* default kvm */
    char *model;                      /* default host with kvm, max with tcg */
    unsigned sockets, cores, threads; /* defaults 1, 2, 1 */
    char *features;                   /* Features= as QEMU takes them: "topoext=on,svm=off"; NULL: none */
    bool hide_hypervisor, hyper_v;
    char *pin, *emulator_pin, *iothread_pin; /* as cpu_list_parse() takes them; NULL: anywhere */
    bool isolate;                            /* what runs on the host is kept off those of pin */
    char *governor;                          /* of those of pin; NULL: as it is */
};

/* The section, which lives as long as the definition. */
const DefinitionCpu *definition_cpu(const GuestDefinition *definition);
