/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NUMA nodes of a guest. */
#pragma once

#include <stdint.h>

/* [NUMA NAME]: its number is its place among these sections. */
typedef struct DefinitionNuma {
    char *name;
    uint64_t memory; /* Memory=: bytes of the guest's memory, a multiple of 1 MiB */
    char *cpus;      /* CPUs=: vCPUs as cpu_set_parse() takes them; NULL: none */
    int node;        /* Node=, and 1: that node of the host's has the memory; 0: as [Memory] Node= says */
} DefinitionNuma;
